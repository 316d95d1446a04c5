using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;

namespace PayoutManager.Client;

/// <summary>
/// The payout service. Whatever it does not do is a <see cref="PayoutManagerException"/>: its refusals, which had no effect, and
/// <see cref="PayoutCallException"/> for calls without a reply, whose <see cref="PayoutCallException.Outcome"/> says what is known of their
/// effect.
/// </summary>
/// <remarks>
/// A call is repeated, with growing pauses and until its deadline, where that can do no harm: after <see cref="WoodyOutcome.NotDone"/>
/// always, after <see cref="WoodyOutcome.Unknown"/> all but a create without a payout id, and after <see cref="WoodyOutcome.Refused"/>
/// and <see cref="WoodyOutcome.Failed"/> never. All calls flow under the ambient <see cref="WoodyContext"/>, where there is one.
/// </remarks>
public interface IPayoutManagerClient
{
    /// <summary>Creates a payout and holds its money.</summary>
    /// <param name="payout">
    /// What to pay out. With a payout id of the caller's own the call may be repeated by anybody at any time, after a crash for
    /// one, and pays once; without it, an outcome that is unknown stays so.
    /// </param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <returns>
    /// The payout. Where an earlier try of this call has created it, that is the payout as it stands now.
    /// </returns>
    /// <exception cref="InvalidPayoutRequestException">Parameters are malformed, or the shop cannot be paid out as asked.</exception>
    /// <exception cref="InsufficientFundsException">The amount is not positive, or the account does not have it.</exception>
    /// <exception cref="PayoutAlreadyExistsException">
    /// The payout id is taken, and not by a try of this call. <see cref="PayoutAlreadyExistsException.SameRequest"/> tells an earlier call
    /// of the caller's from another request.
    /// </exception>
    /// <exception cref="PayoutOriginUnknownException">
    /// The payout id is taken, perhaps by an earlier try of this call: the service does not say.
    /// </exception>
    /// <exception cref="PayoutNotFoundException">There is no such party, shop, contract, tool or cash flow.</exception>
    /// <exception cref="PayoutCallException">There was no reply.</exception>
    /// <exception cref="OperationCanceledException">The call was given up; it may have had its effect.</exception>
    Task<Payout> CreateAsync(PayoutParams payout, CancellationToken cancellationToken = default);

    /// <summary>The payout as it was last changed.</summary>
    /// <exception cref="PayoutNotFoundException">There is no such payout.</exception>
    /// <exception cref="PayoutCallException">There was no reply.</exception>
    /// <exception cref="OperationCanceledException">The call was given up.</exception>
    Task<Payout> GetAsync(string payoutId, CancellationToken cancellationToken = default);

    /// <summary>Confirms a payout; one that is confirmed already stays so.</summary>
    /// <exception cref="PayoutNotFoundException">There is no such payout.</exception>
    /// <exception cref="PayoutCallException">
    /// There was no reply. A payout that is cancelled cannot be confirmed: HTTP 500, <see cref="WoodyOutcome.Failed"/>, and
    /// <see cref="PayoutCallException.Reason"/> says so.
    /// </exception>
    /// <exception cref="OperationCanceledException">The call was given up; it may have had its effect.</exception>
    Task ConfirmAsync(string payoutId, CancellationToken cancellationToken = default);

    /// <summary>Cancels a payout and gives its money back; one that is cancelled already keeps its first details.</summary>
    /// <param name="payoutId">The payout.</param>
    /// <param name="details">Why: at most 4,096 characters.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <exception cref="PayoutNotFoundException">There is no such payout.</exception>
    /// <exception cref="PayoutCallException">There was no reply.</exception>
    /// <exception cref="OperationCanceledException">The call was given up; it may have had its effect.</exception>
    Task CancelAsync(string payoutId, string details, CancellationToken cancellationToken = default);
}
