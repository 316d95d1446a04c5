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
internal sealed class PayoutHistoryStore(Database database, IPayoutStatements statements, IAuditStatements audit) : IPayoutHistory
{
    public async Task<IReadOnlyDictionary<PayoutId, PayoutHistory>> ReadAsync(
        IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken)
    {
        string[] ids = [.. payoutIds.Select(id => id.Value)];
        var payouts = (await Database.ReadAsync(token => audit.FindAllAsync(ids, token), cancellationToken)).ToDictionary(p => p.Id);
        return await database.ReadAsync(async context =>
        {
            var operations = await context.Operations
                .AsNoTracking()
                .Where(o => ids.Contains(o.PayoutId))
                .ToDictionaryAsync(o => o.PayoutId, cancellationToken);
            var events = (await context.Events
                .AsNoTracking()
                .Where(e => ids.Contains(e.PayoutId))
                .OrderBy(e => e.PayoutId)
                .ThenBy(e => e.SequenceId)
                .Select(e => new
                {
                    Row = e,
                    IsInOutbox = context.Outbox.Any(o => o.PayoutId == e.PayoutId && o.SequenceId == e.SequenceId),
                })
                .ToListAsync(cancellationToken)).ToLookup(e => e.Row.PayoutId);
            return payoutIds.ToDictionary(id => id, id =>
            {
                var payout = payouts.GetValueOrDefault(id);
                var stored = payout is null ? null : ThriftBinary.Serialize(PayoutContract.ToWire(payout));
                var operation = operations.GetValueOrDefault(id.Value);
                return new PayoutHistory(
                    payout,
                    operation is not null && operation.Kind != OperationRow.Spent,
                    operation is { Kind: OperationRow.Spent } ? operation.Attempt : 0,
                    [.. events[id.Value].Select(e => ToEvent(e.Row, !e.IsInOutbox, stored))]);
            });
        });
    }

    public Task<ChangePage> ListChangesAsync(
        AuditPosition after, TimeSpan margin, int limit, CancellationToken cancellationToken) =>
        Database.ReadAsync(token => audit.ListChangesAsync(after, margin, limit, token), cancellationToken);

    public Task<QuietPage> ListWithoutEventsAsync(string after, int limit, CancellationToken cancellationToken) =>
        database.ReadAsync(async context =>
        {
            var ids = await context.Payouts
                .Where(p => p.PayoutId.CompareTo(after) > 0)
                .OrderBy(p => p.PayoutId)
                .Take(limit)
                .Select(p => p.PayoutId)
                .ToListAsync(cancellationToken);
            var withEvents = await context.Events
                .Where(e => ids.Contains(e.PayoutId))
                .Select(e => e.PayoutId)
                .Distinct()
                .ToListAsync(cancellationToken);
            return new QuietPage([.. ids.Except(withEvents).Select(PayoutId.Restore)], ids.LastOrDefault());
        });

    public Task SendAgainAsync(PayoutId payoutId, int fromSequenceId, CancellationToken cancellationToken) => database.WriteAsync(
        token => statements.SendAgainAsync(payoutId.Value, fromSequenceId, token), cancellationToken);

    private static StoredEvent ToEvent(EventRow row, bool isAcknowledged, byte[]? stored)
    {
        var shown = ReadSnapshot(row.Payload);
        return new StoredEvent(
            row.SequenceId,
            Utc(row.CreatedAt),
            Utc(row.StoredAt),
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
