using PayoutManager.Application.Ports;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Events in the database.</summary>
internal sealed class EventOutbox(IPayoutStatements statements, IRoutineStatements routine) : IEventOutbox
{
    public Task<bool> TryLeaseAsync(string owner, TimeSpan lease, CancellationToken cancellationToken) =>
        Database.WriteAsync(() => routine.TryLeaseRelayAsync(owner, lease, cancellationToken), cancellationToken);

    public Task ReleaseLeaseAsync(string owner, CancellationToken cancellationToken) =>
        Database.WriteAsync(() => routine.ReleaseRelayAsync(owner, cancellationToken), cancellationToken);

    public Task<IReadOnlyList<OutboxEvent>> ReadUnpublishedAsync(
        long afterId,
        int limit,
        CancellationToken cancellationToken) =>
        Database.ReadAsync(() => statements.ReadUnpublishedAsync(afterId, limit, cancellationToken));

    public Task MarkPublishedAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken) =>
        Database.WriteAsync(() => statements.MarkPublishedAsync(ids, cancellationToken), cancellationToken);
}
