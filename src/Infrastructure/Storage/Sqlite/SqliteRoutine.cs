using Microsoft.EntityFrameworkCore;
using PayoutManager.Application.Ports;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage.Sqlite;

/// <summary>What a host asks of SQLite again and again, by LINQ: a development host may take its time.</summary>
internal sealed class SqliteRoutine(Func<PayoutDbContext> open) : IRoutineStatements
{
    public async Task<DatabaseState> ReadStateAsync(CancellationToken cancellationToken)
    {
        await using var context = open();
        return new DatabaseState([.. await context.Database.GetPendingMigrationsAsync(cancellationToken)]);
    }

    public async Task<LaneBook> ReadLanesAsync(CancellationToken cancellationToken)
    {
        await using var context = open();
        var lanes = await context.RelayLanes
            .OrderBy(l => l.Lane)
            .Select(l => new
            {
                l.Lane,
                l.Owner,
                IsFree = l.LeaseUntil == null || l.LeaseUntil <= DatabaseClock.Now(),
                // The sum gives the value a type that can be read.
                Now = DatabaseClock.Now().AddSeconds(0),
            })
            .ToListAsync(cancellationToken);
        return new LaneBook(
            new DateTimeOffset(DateTime.SpecifyKind(lanes[0].Now, DateTimeKind.Utc)),
            await context.RelayHosts
                .Where(h => h.PresentUntil > DatabaseClock.Now())
                .Select(h => h.Owner)
                .Order()
                .ToListAsync(cancellationToken),
            [.. lanes.Select(l => new LaneLease(l.Lane, l.Owner, l.IsFree))]);
    }

    public async Task<IReadOnlyList<int>> LeaseLanesAsync(
        string owner, IReadOnlyCollection<int> lanes, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var context = open();
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        await context.RelayHosts
            .Where(h => h.Owner == owner || h.PresentUntil < DatabaseClock.Now().AddHours(-1))
            .ExecuteDeleteAsync(cancellationToken);
        await context.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO relay_host (owner, present_until)
            VALUES ({owner}, strftime('%Y-%m-%d %H:%M:%f', 'now', {lease.TotalSeconds} || ' seconds'))
            """,
            cancellationToken);
        await context.RelayLanes
            .Where(l => lanes.Contains(l.Lane) && (l.Owner == owner || l.LeaseUntil == null || l.LeaseUntil <= DatabaseClock.Now()))
            .ExecuteUpdateAsync(
                l => l
                    .SetProperty(p => p.Owner, owner)
                    .SetProperty(p => p.LeaseUntil, p => DatabaseClock.Now().AddSeconds(lease.TotalSeconds)),
                cancellationToken);
        var leased = await context.RelayLanes
            .Where(l => lanes.Contains(l.Lane) && l.Owner == owner)
            .Select(l => (int)l.Lane)
            .ToListAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return leased;
    }

    public async Task<int> ReleaseLanesAsync(string owner, IReadOnlyCollection<int>? lanes, CancellationToken cancellationToken)
    {
        await using var context = open();
        if (lanes is null)
            await context.RelayHosts.Where(h => h.Owner == owner).ExecuteDeleteAsync(cancellationToken);
        var owned = context.RelayLanes.Where(l => l.Owner == owner);
        return await (lanes is null ? owned : owned.Where(l => lanes.Contains(l.Lane))).ExecuteUpdateAsync(
            l => l.SetProperty(p => p.Owner, (string?)null).SetProperty(p => p.LeaseUntil, (DateTime?)null), cancellationToken);
    }

    public async Task<DuePage> ListDueAsync(
        DuePosition? after, bool ignorePauses, int limit, CancellationToken cancellationToken)
    {
        await using var context = open();
        // The sum gives the value a type that can be read.
        var now = await context.RelayLanes.Where(l => l.Lane == 0).Select(_ => DatabaseClock.Now().AddSeconds(0)).FirstAsync(cancellationToken);
        var rows = await context.Operations
            .Where(o => o.LeaseUntil <= now)
            .Select(o => new { o.PayoutId, DueAt = o.NextTryAt > o.LeaseUntil ? o.NextTryAt : o.LeaseUntil, o.FailedTries })
            .Where(o => ignorePauses || o.DueAt <= now)
            .ToListAsync(cancellationToken);
        // Compared here: a development host has few of them.
        return new DuePage(
            [
                .. rows
                    .Select(o => new DueOperation(new DuePosition(Utc(o.DueAt!.Value), o.PayoutId), o.FailedTries))
                    .Where(due => after is not { } from || Compare(due.Position, from) > 0)
                    .Order(Comparer<DueOperation>.Create((one, other) => Compare(one.Position, other.Position)))
                    .Take(limit),
            ],
            Utc(now));

        static DateTimeOffset Utc(DateTime time) => new(DateTime.SpecifyKind(time, DateTimeKind.Utc));

        static int Compare(DuePosition one, DuePosition other) =>
            one.At != other.At ? one.At.CompareTo(other.At) : string.CompareOrdinal(one.PayoutId, other.PayoutId);
    }

    public async Task<BacklogReading> ReadBacklogAsync(BacklogBounds from, CancellationToken cancellationToken)
    {
        await using var context = open();
        var operations = await context.Operations
            .Where(o => o.Kind != OperationRow.Spent)
            .GroupBy(o => o.Kind)
            .Select(kind => new { kind.Key, Count = kind.LongCount(), Oldest = kind.Min(o => o.StartedAt) })
            .ToListAsync(cancellationToken);
        var troubled = await context.Operations.Where(o => o.NextTryAt != null).Select(o => o.StartedAt).ToListAsync(cancellationToken);
        // The sum gives the value a type that can be read.
        var moment = await context.RelayLanes
            .Where(l => l.Lane == 0)
            .Select(_ => new
            {
                Now = DatabaseClock.Now().AddSeconds(0),
                Events = context.Outbox.LongCount(),
                Oldest = context.Outbox.Min(e => (DateTime?)e.StoredAt),
            })
            .SingleAsync(cancellationToken);
        return new BacklogReading(
            new Backlog(
                operations.ToDictionary(o => o.Key, o => new Waiting(o.Count, Age(o.Oldest))),
                troubled is [] ? default : new Waiting(troubled.Count, Age(troubled.Min())),
                new Waiting(moment.Events, moment.Oldest is { } oldest ? Age(oldest) : TimeSpan.Zero)),
            new DateTimeOffset(DateTime.SpecifyKind(moment.Now, DateTimeKind.Utc)),
            EarliestDue: null,
            OldestEvent: null);

        // What was written between the two statements has no age yet.
        TimeSpan Age(DateTime since) => moment.Now > since ? moment.Now - since : TimeSpan.Zero;
    }
}
