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

/// <summary>The money is not there, or there is nothing to pay out.</summary>
public sealed class InsufficientFundsException(string message) : PayoutRefusedException(message);

/// <summary>The payout id is taken.</summary>
public sealed class PayoutAlreadyExistsException(string payoutId)
    : PayoutRefusedException($"Payout {payoutId} already exists.");

/// <summary>The payout, or something that it needs, is not there.</summary>
public sealed class NotFoundException(string message) : PayoutRefusedException(message)
{
    private const int LongestQuote = 256;

    /// <summary>No payout has this id. What is too long to be one is quoted in part.</summary>
    public static NotFoundException Payout(string payoutId) =>
        new($"Payout {(payoutId.Length <= LongestQuote ? payoutId : payoutId[..LongestQuote] + "…")} not found.");
}
