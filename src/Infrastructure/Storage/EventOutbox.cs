using PayoutManager.Application.Ports;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Events in the database.</summary>
internal sealed class EventOutbox(Database database, IPayoutStatements statements, IRoutineStatements routine) : IEventOutbox
{
    public Task<bool> TryLeaseAsync(string owner, TimeSpan lease, CancellationToken cancellationToken) =>
        database.WriteAsync(token => routine.TryLeaseRelayAsync(owner, lease, token), cancellationToken);

    public Task ReleaseLeaseAsync(string owner, CancellationToken cancellationToken) =>
        database.WriteAsync(token => routine.ReleaseRelayAsync(owner, token), cancellationToken);

    public Task<IReadOnlyList<OutboxEvent>> ReadUnpublishedAsync(
        long afterId,
        int limit,
        CancellationToken cancellationToken) =>
        Database.ReadAsync(token => statements.ReadUnpublishedAsync(afterId, limit, token), cancellationToken);

    public Task MarkPublishedAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken) =>
        database.WriteAsync(token => statements.MarkPublishedAsync(ids, token), cancellationToken);
}
