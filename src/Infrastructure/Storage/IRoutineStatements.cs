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

    /// <inheritdoc cref="IEventOutbox.ReadLanesAsync"/>
    Task<LaneBook> ReadLanesAsync(CancellationToken cancellationToken);

    /// <inheritdoc cref="IEventOutbox.LeaseLanesAsync"/>
    Task<IReadOnlyList<int>> LeaseLanesAsync(
        string owner, IReadOnlyCollection<int> lanes, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Lets leases of an owner end.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="lanes">Of which lanes; null for all, and then the owner is not there any more.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many leases.</returns>
    Task<int> ReleaseLanesAsync(string owner, IReadOnlyCollection<int>? lanes, CancellationToken cancellationToken);

    /// <inheritdoc cref="IOperationStore.ListDueAsync"/>
    Task<DuePage> ListDueAsync(DuePosition? after, bool ignorePauses, int limit, CancellationToken cancellationToken);

    /// <inheritdoc cref="IBacklog.ReadAsync"/>
    /// <param name="from">What is certainly not older than anything there is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<BacklogReading> ReadBacklogAsync(BacklogBounds from, CancellationToken cancellationToken);
}

/// <summary>From when on to look for what is under way or waiting; what is older was looked at before, and is gone.</summary>
/// <param name="Due">The earliest instant at which an operation is due for recovery.</param>
/// <param name="StoredAt">The earliest instant at which an event was stored.</param>
internal readonly record struct BacklogBounds(DateTimeOffset Due, DateTimeOffset StoredAt);

/// <summary>What is under way or waiting, as it was read.</summary>
/// <param name="Backlog">The figures.</param>
/// <param name="Now">When they were read, by the database's clock.</param>
/// <param name="EarliestDue">The earliest instant at which an operation is due for recovery; null if there is none.</param>
/// <param name="OldestEvent">When the oldest event was stored; null if there is none.</param>
internal sealed record BacklogReading(Backlog Backlog, DateTimeOffset Now, DateTimeOffset? EarliestDue, DateTimeOffset? OldestEvent);
