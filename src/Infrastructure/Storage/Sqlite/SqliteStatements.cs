using Microsoft.EntityFrameworkCore;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage.Sqlite;

/// <summary>What every call asks of SQLite.</summary>
internal sealed class SqliteStatements(Func<PayoutDbContext> open) : IPayoutStatements
{
    public async Task<Payout?> FindAsync(string payoutId, CancellationToken cancellationToken)
    {
        await using var context = open();
        var found = await context.Payouts
            .AsNoTracking()
            .Where(payout => payout.PayoutId == payoutId)
            .Select(payout => new
            {
                Row = payout,
                Postings = context.Postings.Where(posting => posting.PayoutId == payout.PayoutId).OrderBy(posting => posting.Id).ToList(),
            })
            .SingleOrDefaultAsync(cancellationToken);
        return found is null ? null : PayoutRows.ToPayout(found.Row, found.Postings);
    }

    public async Task<Insertion> TryInsertAsync(
        OperationRow operation, int? expectedSequenceId, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var context = open();
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        // As SQL, because a conflict must not abort the transaction.
        var inserted = await context.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO payout_operation (payout_id, kind, attempt, owner, lease_until, request)
            VALUES ({operation.PayoutId}, {operation.Kind}, 1, {operation.Owner},
                    strftime('%Y-%m-%d %H:%M:%f', 'now', {lease.TotalSeconds} || ' seconds'), {operation.Request})
            ON CONFLICT (payout_id) DO UPDATE SET
                kind = excluded.kind,
                attempt = CASE excluded.kind WHEN {OperationRow.Create} THEN payout_operation.attempt + 1 ELSE 1 END,
                owner = excluded.owner,
                lease_until = excluded.lease_until,
                started_at = strftime('%Y-%m-%d %H:%M:%f', 'now'),
                request = excluded.request
            WHERE payout_operation.kind = {OperationRow.Spent}
            """,
            cancellationToken);
        if (inserted == 0)
            return default;
        var attempt = await context.Operations
            .Where(o => o.PayoutId == operation.PayoutId)
            .Select(o => o.Attempt)
            .SingleAsync(cancellationToken);
        var sequenceId = await context.Payouts
            .Where(payout => payout.PayoutId == operation.PayoutId)
            .Select(payout => (int?)payout.SequenceId)
            .SingleOrDefaultAsync(cancellationToken);
        if (sequenceId != expectedSequenceId)
            return new Insertion(attempt, PayoutMoved: true);
        await transaction.CommitAsync(cancellationToken);
        return new Insertion(attempt, PayoutMoved: false);
    }

    public async Task<bool> TryApplyAsync(
        Operation operation, Payout payout, EventRow outboxEvent, CancellationToken cancellationToken)
    {
        await using var context = open();
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        var ended = await context.Operations
            .Where(o => o.PayoutId == operation.PayoutId.Value && o.Owner == operation.Owner && o.Attempt == operation.Attempt)
            .ExecuteDeleteAsync(cancellationToken);
        if (ended == 0)
            return false;
        if (payout.SequenceId == 0)
        {
            context.Payouts.Add(PayoutRows.ToRow(payout));
            context.Postings.AddRange(PayoutRows.ToPostingRows(payout));
        }
        else if (await context.Payouts
            .Where(p => p.PayoutId == payout.Id.Value && p.SequenceId == payout.SequenceId - 1)
            .ExecuteUpdateAsync(
                p => p
                    .SetProperty(r => r.SequenceId, payout.SequenceId)
                    .SetProperty(r => r.Status, payout.Status.State)
                    .SetProperty(r => r.CancelDetails, payout.Status.Details),
                cancellationToken) == 0)
        {
            return false;
        }

        context.Events.Add(outboxEvent);
        await context.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    public async Task<IReadOnlyList<OutboxEvent>> ReadUnpublishedAsync(
        long afterId, int limit, CancellationToken cancellationToken)
    {
        await using var context = open();
        var rows = await context.Events
            .AsNoTracking()
            .Where(e => e.PublishedAt == null && e.Id > afterId)
            .Where(e => !context.Events.Any(earlier =>
                earlier.PayoutId == e.PayoutId && earlier.SequenceId < e.SequenceId && earlier.PublishedAt == null))
            .OrderBy(e => e.Id)
            .Take(limit)
            .Select(e => new
            {
                e.Id,
                e.PayoutId,
                e.SequenceId,
                e.Payload,
                e.TraceParent,
                e.StoredAt,
                // The sum gives the value a type that can be read.
                Now = DatabaseClock.Now().AddSeconds(0),
            })
            .ToListAsync(cancellationToken);
        return
        [
            .. rows.Select(r => new OutboxEvent(r.Id, new PayoutId(r.PayoutId), r.SequenceId, r.Payload)
            {
                Age = r.Now - r.StoredAt,
                TraceParent = r.TraceParent,
            }),
        ];
    }

    public async Task<int> MarkPublishedAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken)
    {
        await using var context = open();
        return await context.Events
            .Where(e => ids.Contains(e.Id))
            .ExecuteUpdateAsync(e => e.SetProperty(p => p.PublishedAt, p => DatabaseClock.Now()), cancellationToken);
    }
}
