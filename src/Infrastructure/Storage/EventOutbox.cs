using PayoutManager.Application.Ports;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Events in the database.</summary>
internal sealed class EventOutbox(Database database, IPayoutStatements statements, IRoutineStatements routine) : IEventOutbox
{
    public Task<bool> TryLeaseAsync(string owner, TimeSpan lease, CancellationToken cancellationToken) =>
        database.WriteAsync(() => routine.TryLeaseRelayAsync(owner, lease, cancellationToken), cancellationToken);

    public Task ReleaseLeaseAsync(string owner, CancellationToken cancellationToken) =>
        database.WriteAsync(() => routine.ReleaseRelayAsync(owner, cancellationToken), cancellationToken);

    public Task<IReadOnlyList<OutboxEvent>> ReadUnpublishedAsync(
        long afterId,
        int limit,
        CancellationToken cancellationToken) =>
        Database.ReadAsync(() => statements.ReadUnpublishedAsync(afterId, limit, cancellationToken));

    public Task MarkPublishedAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken) =>
        database.WriteAsync(() => statements.MarkPublishedAsync(ids, cancellationToken), cancellationToken);
}
