using PayoutManager.Application.Ports;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>
/// What a host asks of the database from its start on, again and again, while nothing goes wrong. A host is ready, and stays small,
/// without EF Core's model where a database's statements can do without it.
/// </summary>
internal interface IRoutineStatements
{
    /// <summary>How the database is, by one round trip.</summary>
    Task<DatabaseState> ReadStateAsync(CancellationToken cancellationToken);

    /// <inheritdoc cref="IEventOutbox.TryLeaseAsync"/>
    Task<bool> TryLeaseRelayAsync(string owner, TimeSpan lease, CancellationToken cancellationToken);

    /// <inheritdoc cref="IEventOutbox.ReleaseLeaseAsync"/>
    Task<bool> ReleaseRelayAsync(string owner, CancellationToken cancellationToken);

    /// <inheritdoc cref="IOperationStore.ListDueAsync"/>
    Task<DuePage> ListDueAsync(DuePosition? after, bool ignorePauses, int limit, CancellationToken cancellationToken);

    /// <inheritdoc cref="IBacklog.ReadAsync"/>
    Task<Backlog> ReadBacklogAsync(CancellationToken cancellationToken);
}
