using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Ports;

/// <summary>What the database knows of payouts, for the audit.</summary>
/// <remarks>Every method throws <see cref="NotDoneException"/> where the database was not reached.</remarks>
public interface IPayoutHistory
{
    /// <summary>Everything about a payout id.</summary>
    Task<PayoutHistory> ReadAsync(PayoutId payoutId, CancellationToken cancellationToken);

    /// <summary>Payouts that have changed since an instant, each at its latest event, in order of those.</summary>
    /// <param name="since">The instant, by the clock of the hosts.</param>
    /// <param name="after">The last one of the page before; null for the first page.</param>
    /// <param name="limit">How many at the most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IReadOnlyList<ChangedPayout>> ListChangedAsync(
        DateTimeOffset since,
        ChangedPayout? after,
        int limit,
        CancellationToken cancellationToken);

    /// <summary>Puts a payout's events from this one on into the outbox again, in order, so that the relay sends them again.</summary>
    Task SendAgainAsync(PayoutId payoutId, int fromSequenceId, CancellationToken cancellationToken);
}

/// <summary>A payout that has changed.</summary>
/// <param name="PayoutId">Which.</param>
/// <param name="EventId">The id of its latest event.</param>
/// <param name="At">When that was.</param>
public sealed record ChangedPayout(PayoutId PayoutId, long EventId, DateTimeOffset At);

/// <summary>What is stored under a payout id.</summary>
/// <param name="Payout">The payout; null if there is none.</param>
/// <param name="IsUnderWay">Whether an operation is under way, so that ledger and database need not agree yet.</param>
/// <param name="SpentAttempts">How many attempts are noted as spent: of the creation or, where there is a payout, of its reverts.</param>
/// <param name="Events">Its events in order of sequence id.</param>
public sealed record PayoutHistory(
    Payout? Payout,
    bool IsUnderWay,
    int SpentAttempts,
    IReadOnlyList<StoredEvent> Events);

/// <summary>An event as it is stored.</summary>
/// <param name="SequenceId">Its place in the payout's history.</param>
/// <param name="CreatedAt">When the change was.</param>
/// <param name="Digest">Of the record's value.</param>
/// <param name="IsAcknowledged">Whether the broker has acknowledged it: it is not in the outbox.</param>
/// <param name="ShowsPayoutAsStored">Whether its snapshot is the payout as it is stored now.</param>
/// <param name="State">The state that its snapshot shows; null if it cannot be read.</param>
public sealed record StoredEvent(
    int SequenceId,
    DateTimeOffset CreatedAt,
    PayloadDigest Digest,
    bool IsAcknowledged,
    bool ShowsPayoutAsStored,
    PayoutState? State);
