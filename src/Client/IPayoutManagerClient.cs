using PayoutManager.Thrift.Base;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;

namespace PayoutManager.Client;

/// <summary>
/// The payout service. Refusals are the contract's exceptions, and had no effect. A call that got no answer in time is a
/// <see cref="WoodyCallException"/>, whose <see cref="WoodyCallException.Outcome"/> says what is known of it.
/// </summary>
/// <remarks>
/// A call is repeated, with growing pauses and until its deadline, where that can do no harm: after <see cref="WoodyOutcome.NotDone"/>
/// always, after <see cref="WoodyOutcome.Unknown"/> all but a create without a payout id, and after
/// <see cref="WoodyOutcome.Unexpected"/> never. All calls flow under the ambient <see cref="WoodyContext"/>, where there is one.
/// </remarks>
public interface IPayoutManagerClient
{
    /// <summary>Creates a payout and holds its money.</summary>
    /// <param name="payout">
    /// What to pay out. With a payout id of the caller's own the call may be repeated by anybody at any time, after a crash for
    /// one, and pays once; without it, an outcome that is unknown stays so.
    /// </param>
    /// <param name="cancellationToken">Gives the call up; it may or may not be done then.</param>
    /// <returns>
    /// The payout. Where an earlier try of this call may have created it, that is the payout as it stands now.
    /// </returns>
    /// <exception cref="InvalidRequest">Parameters are malformed, or the shop cannot pay this out.</exception>
    /// <exception cref="InsufficientFunds">The amount is not positive, or the account does not have it.</exception>
    /// <exception cref="PayoutAlreadyExists">The payout id is taken.</exception>
    /// <exception cref="NotFound">There is no such party, shop, contract, tool or cash flow.</exception>
    /// <exception cref="WoodyCallException">There was no answer.</exception>
    Task<Payout> CreateAsync(PayoutParams payout, CancellationToken cancellationToken = default);

    /// <summary>The payout as it was last changed.</summary>
    /// <exception cref="NotFound">There is no such payout.</exception>
    /// <exception cref="WoodyCallException">There was no answer.</exception>
    Task<Payout> GetAsync(string payoutId, CancellationToken cancellationToken = default);

    /// <summary>Confirms a payout; one that is confirmed already stays so.</summary>
    /// <exception cref="NotFound">There is no such payout.</exception>
    /// <exception cref="WoodyCallException">It is cancelled (<see cref="WoodyOutcome.Unexpected"/>), or there was no answer.</exception>
    Task ConfirmAsync(string payoutId, CancellationToken cancellationToken = default);

    /// <summary>Cancels a payout and gives its money back; one that is cancelled already keeps its first details.</summary>
    /// <param name="payoutId">The payout.</param>
    /// <param name="details">Why: at most 4,096 characters.</param>
    /// <param name="cancellationToken">Gives the call up; it may or may not be done then.</param>
    /// <exception cref="NotFound">There is no such payout.</exception>
    /// <exception cref="WoodyCallException">There was no answer.</exception>
    Task CancelAsync(string payoutId, string details, CancellationToken cancellationToken = default);
}
