using PayoutManager.Application.Outcomes;

namespace PayoutManager.Application.Ports;

/// <summary>
/// Deletes what nothing needs any more, a page at a time. Each page begins where the one before has ended, and after the last one the
/// first comes again. Waits for nobody's lock, so that no call notices it; several hosts may do it at the same time.
/// </summary>
/// <remarks>
/// Methods throw <see cref="NotDoneException"/> or <see cref="OutcomeUnknownException"/> as other writes do; what was not deleted is
/// found again.
/// </remarks>
public interface IRetention
{
    /// <summary>Deletes notes of spent attempts of ids that never became a payout.</summary>
    /// <param name="age">How long ago the operation that left the note began, at the least, by the database's clock.</param>
    /// <param name="mostAttempts">A note of more attempts stays: a create would not find its way past them in one operation.</param>
    /// <param name="limit">How many notes to look at.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<PrunedPage> PruneSpentAttemptsAsync(TimeSpan age, int mostAttempts, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes the history of payouts that are confirmed or cancelled, all of it acknowledged. The latest event stays, and of a payout that
    /// has changed more than once before it was cancelled also the one before.
    /// </summary>
    /// <param name="age">How long ago the latest event was stored, at the least, by the database's clock.</param>
    /// <param name="limit">How many payouts to look at.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<PrunedPage> PruneEventsAsync(TimeSpan age, int limit, CancellationToken cancellationToken);
}

/// <summary>A page of what may be deleted.</summary>
/// <param name="Deleted">How many rows were.</param>
/// <param name="IsLast">Whether there is no other page for now.</param>
public readonly record struct PrunedPage(int Deleted, bool IsLast);
