using Microsoft.EntityFrameworkCore;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Contracts;
using PayoutManager.Infrastructure.Storage.Rows;
using PayoutManager.Thrift.Serialization;
using Wire = PayoutManager.Thrift.Payouts;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>What the database knows of payouts, for the audit.</summary>
internal sealed class PayoutHistoryStore(Database database, IPayoutStatements statements, IPayoutStore payouts) : IPayoutHistory
{
    public async Task<PayoutHistory> ReadAsync(PayoutId payoutId, CancellationToken cancellationToken)
    {
        var payout = await payouts.FindAsync(payoutId, cancellationToken);
        var stored = payout is null ? null : ThriftBinary.Serialize(PayoutContract.ToWire(payout));
        return await database.ReadAsync(async context =>
        {
            var operation = await context.Operations
                .AsNoTracking()
                .SingleOrDefaultAsync(o => o.PayoutId == payoutId.Value, cancellationToken);
            var events = await context.Events
                .AsNoTracking()
                .Where(e => e.PayoutId == payoutId.Value)
                .OrderBy(e => e.SequenceId)
                .Select(e => new
                {
                    Row = e,
                    IsInOutbox = context.Outbox.Any(o => o.PayoutId == e.PayoutId && o.SequenceId == e.SequenceId),
                })
                .ToListAsync(cancellationToken);
            return new PayoutHistory(
                payout,
                operation is not null && operation.Kind != OperationRow.Spent,
                operation is { Kind: OperationRow.Spent } ? operation.Attempt : 0,
                [.. events.Select(e => ToEvent(e.Row, !e.IsInOutbox, stored))]);
        });
    }

    public Task<IReadOnlyList<ChangedPayout>> ListChangedAsync(
        DateTimeOffset since,
        ChangedPayout? after,
        int limit,
        CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<ChangedPayout>>(async context =>
    {
        var (from, fromId) = after is null ? (since.UtcDateTime, 0) : (after.At.UtcDateTime, after.EventId);
        var rows = await context.Events
            .AsNoTracking()
            .Where(e => e.CreatedAt > from || (e.CreatedAt == from && e.Id > fromId))
            .Where(e => !context.Events.Any(later => later.PayoutId == e.PayoutId && later.SequenceId > e.SequenceId))
            .OrderBy(e => e.CreatedAt)
            .ThenBy(e => e.Id)
            .Take(limit)
            .Select(e => new { e.PayoutId, e.Id, e.CreatedAt })
            .ToListAsync(cancellationToken);
        return [.. rows.Select(row => new ChangedPayout(PayoutId.Restore(row.PayoutId), row.Id, Utc(row.CreatedAt)))];
    });

    public Task SendAgainAsync(PayoutId payoutId, int fromSequenceId, CancellationToken cancellationToken) => database.WriteAsync(
        token => statements.SendAgainAsync(payoutId.Value, fromSequenceId, token), cancellationToken);

    private static StoredEvent ToEvent(EventRow row, bool isAcknowledged, byte[]? stored)
    {
        var shown = ReadSnapshot(row.Payload);
        return new StoredEvent(
            row.SequenceId,
            Utc(row.CreatedAt),
            PayloadDigest.Of(row.Payload),
            isAcknowledged,
            shown is not null && stored is not null && ThriftBinary.Serialize(shown).AsSpan().SequenceEqual(stored),
            PayoutContract.StateOf(shown));
    }

    private static Wire.Payout? ReadSnapshot(byte[] payload)
    {
        try
        {
            return ThriftBinary.Deserialize<Wire.Event>(payload).Payout;
        }
        catch (ThriftFormatException)
        {
            return null;
        }
    }

    private static DateTimeOffset Utc(DateTime time) => new(DateTime.SpecifyKind(time, DateTimeKind.Utc));
}
