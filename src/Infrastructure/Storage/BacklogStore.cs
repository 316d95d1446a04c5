using Microsoft.EntityFrameworkCore;
using PayoutManager.Application.Ports;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>The backlog in the database.</summary>
internal sealed class BacklogStore(Database database) : IBacklog
{
    public Task<Backlog> ReadAsync(CancellationToken cancellationToken) => database.ReadAsync(async context =>
    {
        var operations = await context.Operations
            .Where(o => o.Kind != OperationRow.Spent)
            .GroupBy(o => o.Kind)
            .Select(kind => new { kind.Key, Count = kind.LongCount(), Oldest = kind.Min(o => o.StartedAt) })
            .ToListAsync(cancellationToken);
        var events = context.Events.Where(e => e.PublishedAt == null);
        // The sum gives the value a type that can be read on both databases.
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
    });
}
