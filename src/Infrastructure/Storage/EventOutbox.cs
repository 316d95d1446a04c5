using Microsoft.EntityFrameworkCore;
using PayoutManager.Application.Ports;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Events in the database.</summary>
internal sealed class EventOutbox(Database database, IPayoutStatements statements) : IEventOutbox
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
        Database.ReadAsync(() => statements.ReadUnpublishedAsync(afterId, limit, cancellationToken));

    public Task MarkPublishedAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken) =>
        Database.WriteAsync(() => statements.MarkPublishedAsync(ids, cancellationToken), cancellationToken);
}
