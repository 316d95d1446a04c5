using Microsoft.EntityFrameworkCore;
using PayoutManager.Application.Events;
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

    public async Task<string?> FindRequestDigestAsync(string payoutId, CancellationToken cancellationToken)
    {
        await using var context = open();
        return await context.Payouts
            .Where(payout => payout.PayoutId == payoutId)
            .Select(payout => payout.RequestDigest)
            .SingleOrDefaultAsync(cancellationToken);
    }

    public async Task<Occupant?> FindOperationAsync(string payoutId, CancellationToken cancellationToken)
    {
        await using var context = open();
        var occupant = await context.Operations
            .AsNoTracking()
            .Where(o => o.PayoutId == payoutId && o.Kind != OperationRow.Spent)
            .Select(o => new { Row = o, LeaseRanOut = o.LeaseUntil <= DatabaseClock.Now() })
            .SingleOrDefaultAsync(cancellationToken);
        return occupant is null ? null : new Occupant(occupant.Row, occupant.LeaseRanOut);
    }

    public async Task<Insertion> TryInsertAsync(
        OperationRow operation, int? expectedSequenceId, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var context = open();
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        // As SQL, because a conflict must not abort the transaction.
        var inserted = await context.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO payout_operation (payout_id, kind, attempt, owner, lease_until, request, actor, reason)
            VALUES ({operation.PayoutId}, {operation.Kind}, 1, {operation.Owner},
                    strftime('%Y-%m-%d %H:%M:%f', 'now', {lease.TotalSeconds} || ' seconds'), {operation.Request},
                    {operation.Actor}, {operation.Reason})
            ON CONFLICT (payout_id) DO UPDATE SET
                kind = excluded.kind,
                attempt = CASE WHEN excluded.kind IN ({OperationRow.Create}, {OperationRow.Cancel})
                               THEN payout_operation.attempt + 1 ELSE 1 END,
                owner = excluded.owner,
                lease_until = excluded.lease_until,
                started_at = strftime('%Y-%m-%d %H:%M:%f', 'now'),
                request = excluded.request,
                actor = excluded.actor,
                reason = excluded.reason,
                failed_tries = 0,
                last_error = NULL,
                next_try_at = NULL
            WHERE payout_operation.kind = {OperationRow.Spent}
            """,
            cancellationToken);
        if (inserted == 0)
            return default;
        var stored = await context.Operations
            .Where(o => o.PayoutId == operation.PayoutId)
            .Select(o => new { o.Attempt, o.PlanRefused })
            .SingleAsync(cancellationToken);
        var sequenceId = await context.Payouts
            .Where(payout => payout.PayoutId == operation.PayoutId)
            .Select(payout => (int?)payout.SequenceId)
            .SingleOrDefaultAsync(cancellationToken);
        if (sequenceId != expectedSequenceId)
            return new Insertion(stored.Attempt, PayoutMoved: true, stored.PlanRefused);
        await transaction.CommitAsync(cancellationToken);
        return new Insertion(stored.Attempt, PayoutMoved: false, stored.PlanRefused);
    }

    public async Task<bool> TryApplyAsync(
        Operation operation, Payout payout, EventRow change, CancellationToken cancellationToken)
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
            context.Payouts.Add(PayoutRows.ToRow(payout, ((CreateIntent)operation.Intent).Request));
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

        context.Events.Add(change);
        context.Outbox.Add(ToOutbox(change));
        await context.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    public async Task<OperationRow?> TakeOverAsync(
        string payoutId, string owner, TimeSpan lease, bool ignorePause, CancellationToken cancellationToken)
    {
        await using var context = open();
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        var taken = await context.Operations
            .Where(o => o.PayoutId == payoutId && o.LeaseUntil <= DatabaseClock.Now())
            .Where(o => ignorePause || o.NextTryAt == null || o.NextTryAt <= DatabaseClock.Now())
            .ExecuteUpdateAsync(
                o => o
                    .SetProperty(p => p.Owner, owner)
                    .SetProperty(p => p.LeaseUntil, p => DatabaseClock.Now().AddSeconds(lease.TotalSeconds)),
                cancellationToken);
        if (taken == 0)
            return null;
        var row = await context.Operations.AsNoTracking().SingleAsync(o => o.PayoutId == payoutId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return row;
    }

    public async Task<bool> RenewAsync(string payoutId, string owner, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var context = open();
        return await Owned(context, payoutId, owner).ExecuteUpdateAsync(
            o => o.SetProperty(p => p.LeaseUntil, p => DatabaseClock.Now().AddSeconds(lease.TotalSeconds)), cancellationToken) == 1;
    }

    public async Task<bool> ReleaseAsync(string payoutId, string owner, FailedTry? failure, CancellationToken cancellationToken)
    {
        await using var context = open();
        return await Owned(context, payoutId, owner).ExecuteUpdateAsync(
            o =>
            {
                o.SetProperty(p => p.LeaseUntil, p => DatabaseClock.Now());
                if (failure is not null)
                    o.SetProperty(p => p.LastError, failure.Error);
                if (failure?.Pause is { } pause)
                {
                    o.SetProperty(p => p.FailedTries, p => p.FailedTries + 1);
                    o.SetProperty(p => p.NextTryAt, p => DatabaseClock.Now().AddSeconds(pause.TotalSeconds));
                }
            },
            cancellationToken) == 1;
    }

    public async Task<bool> AdvanceAsync(Operation operation, string request, CancellationToken cancellationToken)
    {
        await using var context = open();
        return await OwnedAttempt(context, operation).ExecuteUpdateAsync(
            o => o
                .SetProperty(p => p.Attempt, operation.Attempt + 1)
                .SetProperty(p => p.Request, request)
                .SetProperty(p => p.PlanRefused, false),
            cancellationToken) == 1;
    }

    public async Task<bool> AbandonAsync(Operation operation, AttemptNote note, CancellationToken cancellationToken)
    {
        await using var context = open();
        var ours = OwnedAttempt(context, operation);
        return (note == AttemptNote.None
            ? await ours.ExecuteDeleteAsync(cancellationToken)
            : await ours.ExecuteUpdateAsync(
                o => o
                    .SetProperty(p => p.Kind, OperationRow.Spent)
                    .SetProperty(p => p.Attempt, note.SpentAttempts)
                    .SetProperty(p => p.PlanRefused, note.NextWasRefused)
                    .SetProperty(p => p.Owner, (string?)null)
                    .SetProperty(p => p.LeaseUntil, (DateTime?)null)
                    .SetProperty(p => p.Request, (string?)null)
                    .SetProperty(p => p.Actor, (string?)null)
                    .SetProperty(p => p.Reason, (string?)null)
                    .SetProperty(p => p.FailedTries, 0)
                    .SetProperty(p => p.LastError, (string?)null)
                    .SetProperty(p => p.NextTryAt, (DateTime?)null),
                cancellationToken)) == 1;
    }

    public async Task<OutboxPage> ReadOutboxAsync(OutboxQuery query, CancellationToken cancellationToken)
    {
        await using var context = open();
        // Writers come one after another, and so do ids and commits.
        var ofLanes = await ReadAsync(context.Outbox
            .Where(e => e.Id > query.After.Id && e.StoredAt >= query.After.StoredAt.UtcDateTime && query.Lanes.Contains(e.Lane)), query.Limit);
        string[] payoutIds = [.. query.Payouts.Select(id => id.Value)];
        return new OutboxPage(
            ofLanes,
            payoutIds is [] ? [] : await ReadAsync(context.Outbox.Where(e => payoutIds.Contains(e.PayoutId)), payoutIds.Length));

        async Task<IReadOnlyList<OutboxEvent>> ReadAsync(IQueryable<OutboxRow> events, int limit)
        {
            var rows = await events
                .AsNoTracking()
                .Where(e => !context.Outbox.Any(earlier => earlier.PayoutId == e.PayoutId && earlier.SequenceId < e.SequenceId))
                .OrderBy(e => e.Id)
                .Take(limit)
                // The sum gives the value a type that can be read.
                .Select(e => new { Row = e, Now = DatabaseClock.Now().AddSeconds(0) })
                .ToListAsync(cancellationToken);
            return
            [
                .. rows.Select(r => new OutboxEvent(r.Row.Id, PayoutId.Restore(r.Row.PayoutId), r.Row.SequenceId, r.Row.Payload)
                {
                    Lane = r.Row.Lane,
                    StoredAt = new DateTimeOffset(DateTime.SpecifyKind(r.Row.StoredAt, DateTimeKind.Utc)),
                    Age = r.Now - r.Row.StoredAt,
                    TraceParent = r.Row.TraceParent,
                }),
            ];
        }
    }

    public async Task<int> AcknowledgeAsync(IReadOnlyCollection<OutboxEvent> events, CancellationToken cancellationToken)
    {
        await using var context = open();
        long[] ids = [.. events.Select(e => e.Id)];
        return await context.Outbox.Where(e => ids.Contains(e.Id)).ExecuteDeleteAsync(cancellationToken);
    }

    public async Task<int> SendAgainAsync(string payoutId, int fromSequenceId, CancellationToken cancellationToken)
    {
        await using var context = open();
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        // What is there already gets another id, so that an acknowledgement that is still on its way does not take it out.
        await context.Outbox
            .Where(e => e.PayoutId == payoutId && e.SequenceId >= fromSequenceId)
            .ExecuteDeleteAsync(cancellationToken);
        var events = await context.Events
            .AsNoTracking()
            .Where(e => e.PayoutId == payoutId && e.SequenceId >= fromSequenceId)
            .OrderBy(e => e.SequenceId)
            .ToListAsync(cancellationToken);
        foreach (var change in events)
        {
            // One after another, so that their ids are in order.
            context.Outbox.Add(ToOutbox(change));
            await context.SaveChangesAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return events.Count;
    }

    private static OutboxRow ToOutbox(EventRow change) => new()
    {
        PayoutId = change.PayoutId,
        SequenceId = change.SequenceId,
        Lane = (short)EventLane.Of(PayoutId.Restore(change.PayoutId)),
        Payload = change.Payload,
        TraceParent = change.TraceParent,
    };

    private static IQueryable<OperationRow> Owned(PayoutDbContext context, string payoutId, string owner) =>
        context.Operations.Where(o => o.PayoutId == payoutId && o.Owner == owner);

    private static IQueryable<OperationRow> OwnedAttempt(PayoutDbContext context, Operation operation) =>
        Owned(context, operation.PayoutId.Value, operation.Owner).Where(o => o.Attempt == operation.Attempt);
}
