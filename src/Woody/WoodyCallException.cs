namespace PayoutManager.Woody;

/// <summary>What is known of the effect of a call that gave no reply.</summary>
public enum WoodyOutcome
{
    /// <summary>
    /// It had no effect: the peer said so (HTTP 503 or 502 of class <see cref="WoodyErrorClass.ResourceUnavailable"/>), or nothing of it
    /// was sent. It may be repeated.
    /// </summary>
    NotDone,

    /// <summary>
    /// It may have had its effect: the answer was lost or late, the peer does not know either, or a proxy answered in the peer's place.
    /// </summary>
    Unknown,

    /// <summary>The peer refused the request as it is (HTTP 400 of class <see cref="WoodyErrorClass.ResultUnexpected"/>): no effect.</summary>
    Refused,

    /// <summary>
    /// The peer failed (any other status of class <see cref="WoodyErrorClass.ResultUnexpected"/>), or its reply cannot be read. The call
    /// may have had its effect.
    /// </summary>
    Failed,
}

/// <summary>A call gave no reply.</summary>
/// <param name="outcome">What is known of its effect.</param>
/// <param name="errorClass">The peer's error class, or the one that fits where the peer gave none.</param>
/// <param name="message">Which call, and what happened.</param>
/// <param name="cause">What the call broke on, if it was not a plain answer.</param>
public sealed class WoodyCallException(WoodyOutcome outcome, string errorClass, string message, Exception? cause = null)
    : Exception(message, cause)
{
    /// <summary>What is known of the call's effect.</summary>
    public WoodyOutcome Outcome { get; } = outcome;

    /// <summary>
    /// The peer's error class, in the spelling of <see cref="WoodyErrorClass"/> if it is one of those; the one that fits the outcome where
    /// the peer gave none.
    /// </summary>
    public string ErrorClass { get; } = errorClass;

    /// <summary>The HTTP status of the answer; null if there was none.</summary>
    public int? HttpStatus { get; init; }

    /// <summary>The reason that the peer gave (<see cref="WoodyHeaders.ErrorReason"/>); null if it gave none.</summary>
    public string? ErrorReason { get; init; }
}
