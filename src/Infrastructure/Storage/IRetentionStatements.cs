namespace PayoutManager.Infrastructure.Storage;

/// <summary>How to find and delete what is too old. No call asks these.</summary>
internal interface IRetentionStatements
{
    /// <summary>Notes of spent attempts that are old enough, the oldest first.</summary>
    Task<IReadOnlyList<OldNote>> ListNotesAsync(TimeSpan age, OldNote? after, int limit, CancellationToken cancellationToken);

    /// <summary>Deletes a note if it still is old enough, nobody has locked it, and its id never became a payout.</summary>
    /// <returns>How many rows.</returns>
    Task<int> DeleteNoteAsync(string payoutId, TimeSpan age, int mostAttempts, CancellationToken cancellationToken);

    /// <summary>Payouts whose first event is old enough and still stored, the oldest first.</summary>
    Task<IReadOnlyList<OldHistory>> ListHistoriesAsync(TimeSpan age, OldHistory? after, int limit, CancellationToken cancellationToken);

    /// <summary>Deletes what is not needed of the histories of those payouts that are final for long enough.</summary>
    /// <returns>How many rows.</returns>
    Task<int> DeleteEventsAsync(IReadOnlyList<string> payoutIds, TimeSpan age, CancellationToken cancellationToken);
}

/// <summary>A note of spent attempts.</summary>
/// <param name="StartedAt">When the operation that left it began.</param>
/// <param name="PayoutId">The id.</param>
internal sealed record OldNote(DateTime StartedAt, string PayoutId);

/// <summary>The history of a payout.</summary>
/// <param name="StoredAt">When its first event was stored.</param>
/// <param name="EventId">The id of that event.</param>
/// <param name="PayoutId">The payout.</param>
internal sealed record OldHistory(DateTime StoredAt, long EventId, string PayoutId);
