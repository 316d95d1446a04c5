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

    public async Task<bool> TryLeaseRelayAsync(string owner, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var context = open();
        return await context.RelayLeases
            .Where(l => l.Id == RelayLeaseRow.OnlyId
                && (l.Owner == owner || l.LeaseUntil == null || l.LeaseUntil <= DatabaseClock.Now()))
            .ExecuteUpdateAsync(
                l => l
                    .SetProperty(p => p.Owner, owner)
                    .SetProperty(p => p.LeaseUntil, p => DatabaseClock.Now().AddSeconds(lease.TotalSeconds)),
                cancellationToken) == 1;
    }

    public async Task<bool> ReleaseRelayAsync(string owner, CancellationToken cancellationToken)
    {
        await using var context = open();
        return await context.RelayLeases
            .Where(l => l.Id == RelayLeaseRow.OnlyId && l.Owner == owner)
            .ExecuteUpdateAsync(
                l => l.SetProperty(p => p.Owner, (string?)null).SetProperty(p => p.LeaseUntil, (DateTime?)null),
                cancellationToken) == 1;
    }

    public async Task<DuePage> ListDueAsync(
        DuePosition? after, bool ignorePauses, int limit, CancellationToken cancellationToken)
    {
        await using var context = open();
        // The sum gives the value a type that can be read.
        var now = await context.RelayLeases.Select(_ => DatabaseClock.Now().AddSeconds(0)).FirstAsync(cancellationToken);
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

    public async Task<Backlog> ReadBacklogAsync(CancellationToken cancellationToken)
    {
        await using var context = open();
        var operations = await context.Operations
            .Where(o => o.Kind != OperationRow.Spent)
            .GroupBy(o => o.Kind)
            .Select(kind => new { kind.Key, Count = kind.LongCount(), Oldest = kind.Min(o => o.StartedAt) })
            .ToListAsync(cancellationToken);
        var troubled = await context.Operations.Where(o => o.NextTryAt != null).Select(o => o.StartedAt).ToListAsync(cancellationToken);
        var events = context.Events.Where(e => e.PublishedAt == null);
        // The sum gives the value a type that can be read.
        var moment = await context.RelayLeases
            .Select(_ => new
            {
                Now = DatabaseClock.Now().AddSeconds(0),
                Events = events.LongCount(),
                Oldest = events.Min(e => (DateTime?)e.StoredAt),
            })
            .SingleAsync(cancellationToken);
        return new Backlog(
            operations.ToDictionary(o => o.Key, o => new Waiting(o.Count, Age(o.Oldest))),
            troubled is [] ? default : new Waiting(troubled.Count, Age(troubled.Min())),
            new Waiting(moment.Events, moment.Oldest is { } oldest ? Age(oldest) : TimeSpan.Zero));

        // What was written between the two statements has no age yet.
        TimeSpan Age(DateTime since) => moment.Now > since ? moment.Now - since : TimeSpan.Zero;
    }
}
