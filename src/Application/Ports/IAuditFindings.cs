using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Ports;

/// <summary>The payouts that did not agree, or could not be compared, when they were last looked at. It is the same for all hosts.</summary>
/// <remarks>Every method throws <see cref="NotDoneException"/> where the database was not reached.</remarks>
public interface IAuditFindings
{
    /// <summary>How many there are.</summary>
    Task<AuditFindingCounts> CountAsync(CancellationToken cancellationToken);

    /// <summary>A page of those that were last looked at before an instant, in order of their ids.</summary>
    /// <param name="seenBefore">The instant, by the database's clock.</param>
    /// <param name="after">The id after which it begins; empty for the first page.</param>
    /// <param name="limit">How many at the most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IReadOnlyList<AuditFinding>> ListAsync(
        DateTimeOffset seenBefore, string after, int limit, CancellationToken cancellationToken);

    /// <summary>Keeps what was found of a payout in place of what was found before, as seen now.</summary>
    /// <returns>Whether it is new: nothing was known of the payout before, or something of another kind.</returns>
    Task<bool> StoreAsync(NewAuditFinding finding, CancellationToken cancellationToken);

    /// <summary>Forgets payouts, since they agree.</summary>
    Task RemoveAsync(IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken);
}

/// <summary>How many payouts are kept.</summary>
/// <param name="Disagreeing">Those that do not agree.</param>
/// <param name="Waiting">Those that could not be compared yet.</param>
public sealed record AuditFindingCounts(int Disagreeing, int Waiting);

/// <summary>What was found of a payout.</summary>
/// <param name="PayoutId">Which.</param>
/// <param name="Kind">What kinds of disagreement, or why it could not be compared; separated by commas.</param>
/// <param name="Description">The same in words.</param>
/// <param name="Disagrees">Whether it does not agree; false where it could not be compared.</param>
/// <param name="Since">What was stored from this instant on is to be compared with the topic again.</param>
public sealed record NewAuditFinding(PayoutId PayoutId, string Kind, string Description, bool Disagrees, DateTimeOffset Since);

/// <summary>What is kept of a payout.</summary>
/// <param name="Finding">What was found at the latest look; its <see cref="NewAuditFinding.Since"/> is the earliest of all looks.</param>
/// <param name="FirstSeenAt">When something was first found, by the database's clock.</param>
/// <param name="LastSeenAt">When it was last looked at.</param>
public sealed record AuditFinding(NewAuditFinding Finding, DateTimeOffset FirstSeenAt, DateTimeOffset LastSeenAt);
