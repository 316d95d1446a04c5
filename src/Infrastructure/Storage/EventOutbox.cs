using Microsoft.EntityFrameworkCore;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Events in the database.</summary>
internal sealed class EventOutbox(Database database) : IEventOutbox
{
    public Task<bool> TryLeaseAsync(string owner, TimeSpan lease, CancellationToken cancellationToken) =>
        database.WriteAsync(async context => await context.RelayLeases
            .Where(l => l.Id == RelayLeaseRow.OnlyId
                && (l.Owner == owner || l.LeaseUntil == null || l.LeaseUntil <= DatabaseClock.Now()))
            .ExecuteUpdateAsync(
                l => l
                    .SetProperty(p => p.Owner, owner)
                    .SetProperty(p => p.LeaseUntil, p => DatabaseClock.Now().AddSeconds(lease.TotalSeconds)),
                cancellationToken) == 1);

    public Task ReleaseLeaseAsync(string owner, CancellationToken cancellationToken) =>
        database.WriteAsync(context => context.RelayLeases
            .Where(l => l.Id == RelayLeaseRow.OnlyId && l.Owner == owner)
            .ExecuteUpdateAsync(
                l => l.SetProperty(p => p.Owner, (string?)null).SetProperty(p => p.LeaseUntil, (DateTime?)null),
                cancellationToken));

    public Task<IReadOnlyList<OutboxEvent>> ReadUnpublishedAsync(
        long afterId,
        int limit,
        CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<OutboxEvent>>(async context =>
        {
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
                    // The sum gives the value a type that can be read on both databases.
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
        });

    public Task MarkPublishedAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken) =>
        database.WriteAsync(context => context.Events
            .Where(e => ids.Contains(e.Id))
            .ExecuteUpdateAsync(e => e.SetProperty(p => p.PublishedAt, p => DatabaseClock.Now()), cancellationToken));
}
