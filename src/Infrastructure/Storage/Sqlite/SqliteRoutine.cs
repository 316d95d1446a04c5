using Microsoft.EntityFrameworkCore;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
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

    public Task LearnTypesAsync(CancellationToken cancellationToken) => Task.CompletedTask;

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

    public async Task<IReadOnlyList<PayoutId>> ListExpiredAsync(int limit, CancellationToken cancellationToken)
    {
        await using var context = open();
        var ids = await context.Operations
            .Where(o => o.LeaseUntil <= DatabaseClock.Now())
            .OrderBy(o => o.LeaseUntil)
            .Select(o => o.PayoutId)
            .Take(limit)
            .ToListAsync(cancellationToken);
        return [.. ids.Select(PayoutId.Restore)];
    }

    public async Task<Backlog> ReadBacklogAsync(CancellationToken cancellationToken)
    {
        await using var context = open();
        var operations = await context.Operations
            .Where(o => o.Kind != OperationRow.Spent)
            .GroupBy(o => o.Kind)
            .Select(kind => new { kind.Key, Count = kind.LongCount(), Oldest = kind.Min(o => o.StartedAt) })
            .ToListAsync(cancellationToken);
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
            new Waiting(moment.Events, moment.Oldest is { } oldest ? Age(oldest) : TimeSpan.Zero));

        // What was written between the two statements has no age yet.
        TimeSpan Age(DateTime since) => moment.Now > since ? moment.Now - since : TimeSpan.Zero;
    }
}
