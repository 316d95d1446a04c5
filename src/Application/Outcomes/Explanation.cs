using PayoutManager.Application.Audit;

namespace PayoutManager.Application.Outcomes;

/// <summary>What a log says of a failure: of one that was to be expected a line, of any other its stack as well.</summary>
public static class Explanation
{
    /// <summary>A failure in a line: what happened, and what that came of.</summary>
    public static string Of(Exception failure) =>
        failure.GetBaseException() is var cause && cause != failure && !failure.Message.Contains(cause.Message, StringComparison.Ordinal)
            ? $"{failure.Message} ({cause.Message})"
            : failure.Message;

    /// <summary>The failure itself if nobody expects it; null for what peers that are down or refuse bring about.</summary>
    public static Exception? StackOf(Exception failure) => failure switch
    {
        NotDoneException
            or OutcomeUnknownException
            or DependencyFailedException
            or LedgerRefusedException
            or InsufficientFundsException
            or OperationCanceledException => null,
        AuditUnfinishedException { InnerException: { } cause } => StackOf(cause),
        _ => failure,
    };
}
