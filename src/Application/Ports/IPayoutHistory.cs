using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Ports;

/// <summary>What the database knows of payouts, for the audit.</summary>
/// <remarks>Every method throws <see cref="NotDoneException"/> where the database was not reached.</remarks>
public interface IPayoutHistory
{
    /// <summary>Everything about some payout ids.</summary>
    /// <param name="payoutIds">The ids; few enough for one answer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A history of each, also of those under which nothing is stored.</returns>
    Task<IReadOnlyDictionary<PayoutId, PayoutHistory>> ReadAsync(
        IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken);

    /// <summary>A page of the changes of all payouts, in the order in which they were stored.</summary>
    /// <param name="after">The place after which it begins.</param>
    /// <param name="margin">How long ago, by the database's clock, a change was stored at the least.</param>
    /// <param name="limit">How many at the most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<ChangePage> ListChangesAsync(
        AuditPosition after, TimeSpan margin, int limit, CancellationToken cancellationToken);

    /// <summary>A page of the payouts in order of their ids, without those that have events: what a predecessor has left.</summary>
    /// <param name="after">The id after which it begins; empty for the first page.</param>
    /// <param name="limit">How many payouts are looked at.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<QuietPage> ListWithoutEventsAsync(string after, int limit, CancellationToken cancellationToken);

    /// <summary>Puts a payout's events from this one on into the outbox again, in order, so that the relay sends them again.</summary>
    Task SendAgainAsync(PayoutId payoutId, int fromSequenceId, CancellationToken cancellationToken);
}

/// <summary>A change of a payout.</summary>
/// <param name="PayoutId">Which.</param>
/// <param name="SequenceId">Its event's place in the payout's history.</param>
/// <param name="StoredAt">When it was stored, by the database's clock.</param>
/// <param name="EventId">Decides between changes of the same instant.</param>
public sealed record PayoutChange(PayoutId PayoutId, int SequenceId, DateTimeOffset StoredAt, long EventId);

/// <summary>A page of changes.</summary>
/// <param name="Changes">The changes, in order.</param>
/// <param name="Horizon">What was stored from this instant on is not listed yet.</param>
public sealed record ChangePage(IReadOnlyList<PayoutChange> Changes, DateTimeOffset Horizon);

/// <summary>A page of payouts.</summary>
/// <param name="WithoutEvents">Those of the payouts that have no event, in order of their ids.</param>
/// <param name="Last">The id of the last one that was looked at; null if there was none.</param>
public sealed record QuietPage(IReadOnlyList<PayoutId> WithoutEvents, string? Last);

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
/// <param name="CreatedAt">When the change was, by its host's clock.</param>
/// <param name="StoredAt">When it was stored, by the database's clock. It was sent after that.</param>
/// <param name="Digest">Of the record's value.</param>
/// <param name="IsAcknowledged">Whether the broker has acknowledged it: it is not in the outbox.</param>
/// <param name="ShowsPayoutAsStored">Whether its snapshot is the payout as it is stored now.</param>
/// <param name="State">The state that its snapshot shows; null if it cannot be read.</param>
public sealed record StoredEvent(
    int SequenceId,
    DateTimeOffset CreatedAt,
    DateTimeOffset StoredAt,
    PayloadDigest Digest,
    bool IsAcknowledged,
    bool ShowsPayoutAsStored,
    PayoutState? State);
