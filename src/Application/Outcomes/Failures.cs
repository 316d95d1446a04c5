namespace PayoutManager.Application.Outcomes;

/// <summary>Something that a call needed is out of reach or busy. The call had no effect and may be repeated.</summary>
public sealed class NotDoneException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// The call ran out of time or lost an answer after the point where it may have had an effect. Where an operation was
/// under way, it is finished by itself.
/// </summary>
public sealed class OutcomeUnknownException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>Whether a peer answered that it failed. Otherwise no answer came, for which the call itself need not be the reason.</summary>
    public bool PeerFailed { get; init; }
}

/// <summary>A dependency answered with an error that its contract does not declare.</summary>
/// <param name="message">Which dependency, and what it answered.</param>
/// <param name="errorClass">The error class that it gave, in the words of the protocol.</param>
/// <param name="cause">What the answer broke on; null where it was a plain answer.</param>
public sealed class DependencyFailedException(string message, string errorClass, Exception? cause = null)
    : Exception(message, cause)
{
    /// <summary>The error class that the dependency gave, in the words of the protocol.</summary>
    public string ErrorClass { get; } = errorClass;
}

/// <summary>
/// The ledger refused a call: the plan is not in a state that allows it, its postings differ, or an account is not known. The refused
/// call had no effect.
/// </summary>
/// <param name="planId">The plan; <c>(none)</c> where the call is about an account.</param>
/// <param name="reason">What the ledger said, which decides nothing.</param>
/// <param name="earlierTryMayBeDone">Whether an unanswered try before the refused one may have had its effect, or may have it yet.</param>
public sealed class LedgerRefusedException(string planId, string reason, bool earlierTryMayBeDone = false)
    : Exception($"The ledger refused plan {planId}: {reason}")
{
    /// <summary>The plan; <c>(none)</c> where the call is about an account.</summary>
    public string PlanId { get; } = planId;

    /// <summary>Whether an unanswered try before the refused one may have had its effect, or may have it yet.</summary>
    public bool EarlierTryMayBeDone { get; } = earlierTryMayBeDone;
}
