using PayoutManager.Application.Ports;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>The outbox in the database.</summary>
internal sealed class EventOutbox(Database database, IPayoutStatements statements, IRoutineStatements routine) : IEventOutbox
{
    public Task<LaneBook> ReadLanesAsync(CancellationToken cancellationToken) =>
        Database.ReadAsync(routine.ReadLanesAsync, cancellationToken);

    public Task<IReadOnlyList<int>> LeaseLanesAsync(
        string owner, IReadOnlyCollection<int> lanes, TimeSpan lease, CancellationToken cancellationToken) =>
        database.WriteAsync(token => routine.LeaseLanesAsync(owner, lanes, lease, token), cancellationToken);

    public Task ReleaseLanesAsync(string owner, IReadOnlyCollection<int> lanes, CancellationToken cancellationToken) =>
        database.WriteAsync(token => routine.ReleaseLanesAsync(owner, lanes, token), cancellationToken);

    public Task LeaveAsync(string owner, CancellationToken cancellationToken) =>
        database.WriteAsync(token => routine.ReleaseLanesAsync(owner, lanes: null, token), cancellationToken);

    public Task<OutboxPage> ReadAsync(OutboxQuery query, CancellationToken cancellationToken) =>
        Database.ReadAsync(token => statements.ReadOutboxAsync(query, token), cancellationToken);

    public Task AcknowledgeAsync(IReadOnlyCollection<OutboxEvent> events, CancellationToken cancellationToken) =>
        database.WriteAsync(token => statements.AcknowledgeAsync(events, token), cancellationToken);
}
