using PayoutManager.Woody;

namespace PayoutManager.Client;

/// <summary>A call that did not do what it was asked: every exception of <see cref="IPayoutManagerClient"/> but cancellation.</summary>
public abstract class PayoutManagerException : Exception
{
    private protected PayoutManagerException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}

/// <summary>There is no such payout; for a create, no such party, shop, contract, payout tool or cash flow. The call had no effect.</summary>
/// <param name="message">What is missing, in the service's words.</param>
public sealed class PayoutNotFoundException(string message) : PayoutManagerException(message);

/// <summary>The parameters are malformed, or the shop cannot be paid out as asked. The call had no effect.</summary>
/// <param name="errors">Everything that is wrong, each naming its field.</param>
public sealed class InvalidPayoutRequestException(IReadOnlyList<string> errors)
    : PayoutManagerException($"The request is invalid: {string.Join("; ", errors)}.")
{
    /// <summary>Everything that is wrong, each naming its field.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}

/// <summary>
/// The amount is not positive, nothing of it is left after fees, or the shop's account does not have it. The call had no effect, and its
/// payout id can be used again.
/// </summary>
/// <param name="reason">Which of these it is, in the service's words; null if it did not say.</param>
public sealed class InsufficientFundsException(string? reason = null)
    : PayoutManagerException(reason is null ? "There are insufficient funds." : $"There are insufficient funds: {reason}.")
{
    /// <summary>Which case it is, in the service's words; null if it did not say.</summary>
    public string? Reason { get; } = reason;
}

/// <summary>There is a payout by this id already. The call had no effect.</summary>
/// <param name="payoutId">The payout id.</param>
/// <param name="sameRequest">Whether that payout came of the same request; null if the service did not say.</param>
public sealed class PayoutAlreadyExistsException(string payoutId, bool? sameRequest = null)
    : PayoutManagerException(sameRequest switch
    {
        true => $"Payout {payoutId} already exists; it came of the same request.",
        false => $"Payout {payoutId} already exists; it came of another request.",
        null => $"Payout {payoutId} already exists.",
    })
{
    /// <summary>The payout id.</summary>
    public string PayoutId { get; } = payoutId;

    /// <summary>
    /// True: the payout came of a request for the same party, shop, amount, currency and payout tool, such as an earlier call of this
    /// caller. False: it came of another request. Null: the service did not say (it or the payout is older than this header).
    /// </summary>
    public bool? SameRequest { get; } = sameRequest;
}

/// <summary>
/// An earlier try of this create may have been done, and there is a payout by its id, but the service does not say whether it came of
/// this request (see <see cref="PayoutHeaders.SameRequest"/>). It may be the caller's own or another one. Look at the payout before you
/// pay this out by another id.
/// </summary>
/// <param name="payoutId">The payout id.</param>
public sealed class PayoutOriginUnknownException(string payoutId)
    : PayoutManagerException(
        $"Payout {payoutId} exists, and an earlier try of this call may have created it, but the service does not say whether it came of "
        + "this request.")
{
    /// <summary>The payout id.</summary>
    public string PayoutId { get; } = payoutId;
}

/// <summary>The call had no reply: <see cref="Outcome"/> says what is known of its effect, over all of its tries.</summary>
/// <param name="outcome">What is known of the effect of the call, over all of its tries.</param>
/// <param name="message">Which call, and what happened.</param>
/// <param name="lastTry">What became of the last try; null if none was made, or it was cut off by the deadline.</param>
public sealed class PayoutCallException(WoodyOutcome outcome, string message, WoodyCallException? lastTry = null)
    : PayoutManagerException(message, lastTry)
{
    /// <summary>
    /// What is known of the effect of the call, over all of its tries. <see cref="WoodyOutcome.NotDone"/> and
    /// <see cref="WoodyOutcome.Refused"/>: no try had any. <see cref="WoodyOutcome.Unknown"/> and <see cref="WoodyOutcome.Failed"/>: one
    /// may have.
    /// </summary>
    public WoodyOutcome Outcome { get; } = outcome;

    /// <summary>The HTTP status of the last try; null if it was not answered.</summary>
    public int? HttpStatus { get; } = lastTry?.HttpStatus;

    /// <summary>The error class of the last try, see <see cref="WoodyCallException.ErrorClass"/>; null if there was no failed try.</summary>
    public string? ErrorClass { get; } = lastTry?.ErrorClass;

    /// <summary>The reason that the service gave for the last try; null if it gave none.</summary>
    public string? Reason { get; } = lastTry?.ErrorReason;
}
