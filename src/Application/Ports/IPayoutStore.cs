using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Ports;

/// <summary>Reads payouts.</summary>
/// <remarks>Every method throws <see cref="NotDoneException"/> where the database did not answer.</remarks>
public interface IPayoutStore
{
    /// <summary>The payout as it was last applied, or null: one whose creation is under way does not exist yet.</summary>
    Task<Payout?> FindAsync(PayoutId id, CancellationToken cancellationToken);

    /// <summary>
    /// The <see cref="PayoutRequest.Digest"/> of the request that created a payout; null where there is no payout, or one from before
    /// digests were kept.
    /// </summary>
    Task<string?> FindRequestDigestAsync(PayoutId id, CancellationToken cancellationToken);
}
