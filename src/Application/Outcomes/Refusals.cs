namespace PayoutManager.Application.Outcomes;

/// <summary>A definite no that the caller is told by name. Nothing changed.</summary>
public abstract class PayoutRefusedException(string message) : Exception(message);

/// <summary>The parameters cannot be worked with.</summary>
/// <param name="errors">Everything that is wrong, each naming its field.</param>
public sealed class InvalidRequestException(IReadOnlyList<string> errors)
    : PayoutRefusedException(string.Join("; ", errors))
{
    /// <summary>Everything that is wrong, each naming its field.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}

/// <summary>Why there is no money to pay out.</summary>
public enum InsufficientFundsReason
{
    /// <summary>The amount that was asked for is zero or less.</summary>
    AmountNotPositive,

    /// <summary>The fees take all of the amount.</summary>
    NothingLeftAfterFees,

    /// <summary>The shop's settlement account does not have it.</summary>
    NotEnoughMoney,
}

/// <summary>The reasons as callers, logs and metrics know them.</summary>
public static class InsufficientFundsReasons
{
    /// <summary>A reason in words.</summary>
    public static string InWords(this InsufficientFundsReason reason) => reason switch
    {
        InsufficientFundsReason.AmountNotPositive => "amount not positive",
        InsufficientFundsReason.NothingLeftAfterFees => "nothing left after fees",
        _ => "not enough money",
    };
}

/// <summary>The money is not there, or there is nothing to pay out.</summary>
public sealed class InsufficientFundsException(InsufficientFundsReason reason, string message) : PayoutRefusedException(message)
{
    /// <summary>Which of the three it is.</summary>
    public InsufficientFundsReason Reason { get; } = reason;
}

/// <summary>The payout id is taken.</summary>
/// <param name="payoutId">The id.</param>
/// <param name="isSameRequest">
/// Whether it was taken by a request for the same payout: party, shop, amount, currency and tool as given. Null where that is unknown,
/// as for payouts from before requests were kept.
/// </param>
public sealed class PayoutAlreadyExistsException(string payoutId, bool? isSameRequest = null)
    : PayoutRefusedException($"Payout {payoutId} already exists.")
{
    /// <summary>Whether it was taken by a request for the same payout; null where that is unknown.</summary>
    public bool? IsSameRequest { get; } = isSameRequest;
}

/// <summary>The payout, or something that it needs, is not there.</summary>
public sealed class NotFoundException(string message) : PayoutRefusedException(message)
{
    private const int LongestQuote = 256;

    /// <summary>No payout has this id. What is too long to be one is quoted in part.</summary>
    public static NotFoundException Payout(string payoutId) =>
        new($"Payout {(payoutId.Length <= LongestQuote ? payoutId : payoutId[..LongestQuote] + "…")} not found.");
}
