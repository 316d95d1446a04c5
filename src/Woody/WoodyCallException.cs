namespace PayoutManager.Woody;

/// <summary>What is known of a call that gave no reply.</summary>
public enum WoodyOutcome
{
    /// <summary>It was not done.</summary>
    NotDone,

    /// <summary>It may or may not be done.</summary>
    Unknown,

    /// <summary>The peer answered with an error that the contract does not declare, or with nonsense.</summary>
    Unexpected,
}

/// <summary>A call gave no reply.</summary>
/// <param name="outcome">What is known of it.</param>
/// <param name="errorClass">The peer's error class, or the one that fits where the peer gave none.</param>
/// <param name="message">Which call, and what happened.</param>
/// <param name="cause">What the call broke on, if it was not a plain answer.</param>
public sealed class WoodyCallException(WoodyOutcome outcome, string errorClass, string message, Exception? cause = null)
    : Exception(message, cause)
{
    /// <summary>What is known of the call.</summary>
    public WoodyOutcome Outcome { get; } = outcome;

    /// <summary>The peer's error class, or the one that fits where the peer gave none.</summary>
    public string ErrorClass { get; } = errorClass;
}
