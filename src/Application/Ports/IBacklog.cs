using PayoutManager.Application.Outcomes;

namespace PayoutManager.Application.Ports;

/// <summary>What the database has in store to be done, by all hosts together.</summary>
public interface IBacklog
{
    /// <summary>What there is now, aged by the database's clock.</summary>
    /// <exception cref="NotDoneException">The database was not reached.</exception>
    Task<Backlog> ReadAsync(CancellationToken cancellationToken);
}

/// <summary>What is under way or waiting.</summary>
/// <param name="Operations">Operations by kind: create, confirm, cancel.</param>
/// <param name="Troubled">Those of the operations that recovery has failed to finish.</param>
/// <param name="Events">Events that the broker has not acknowledged yet.</param>
public sealed record Backlog(IReadOnlyDictionary<string, Waiting> Operations, Waiting Troubled, Waiting Events);

/// <summary>Things that wait for the same.</summary>
/// <param name="Count">How many.</param>
/// <param name="OldestAge">How long the first of them has waited; zero if there is none.</param>
public readonly record struct Waiting(long Count, TimeSpan OldestAge);
