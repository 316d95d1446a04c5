using System.Text.Json.Serialization;

namespace PayoutManager.Domain.Payouts;

/// <summary>A payout's state and, only where it is cancelled, why.</summary>
[JsonConverter(typeof(PayoutStatusJsonConverter))]
public sealed record PayoutStatus
{
    /// <summary>The most characters (UTF-16 code units) of a cancellation's details.</summary>
    public const int MaxDetailsLength = 4096;

    private PayoutStatus(PayoutState state, string? details = null)
    {
        State = state;
        Details = details;
    }

    /// <summary>The payout is created and its money held.</summary>
    public static PayoutStatus Unpaid { get; } = new(PayoutState.Unpaid);

    /// <summary>The payout was sent to the bank.</summary>
    public static PayoutStatus Paid { get; } = new(PayoutState.Paid);

    /// <summary>The payout is done.</summary>
    public static PayoutStatus Confirmed { get; } = new(PayoutState.Confirmed);

    /// <summary>The payout came to nothing; only in rows of a later variant of the predecessor.</summary>
    public static PayoutStatus Failed { get; } = new(PayoutState.Failed);

    /// <summary>The state.</summary>
    public PayoutState State { get; }

    /// <summary>Why the payout was cancelled; null in every other state.</summary>
    public string? Details { get; }

    /// <summary>The payout is called off.</summary>
    /// <param name="details">Why: at most 4,096 characters, possibly none.</param>
    /// <exception cref="ArgumentException">The details are too long or cannot be stored; see <see cref="DetailsFault"/>.</exception>
    public static PayoutStatus Cancelled(string details) =>
        DetailsFault(details) is { } fault
            ? throw new ArgumentException(fault, nameof(details))
            : new PayoutStatus(PayoutState.Cancelled, details);

    /// <summary>A status as it was stored before, whatever the rules were then.</summary>
    public static PayoutStatus Restore(PayoutState state, string? details) =>
        new(state, state == PayoutState.Cancelled ? details ?? "" : null);

    /// <summary>What is wrong with a cancellation's details, or null if nothing is.</summary>
    public static string? DetailsFault(string? details)
    {
        if (details is null)
            return "must be given";
        if (details.Length > MaxDetailsLength)
            return $"must be at most {MaxDetailsLength} characters, are {details.Length}";
        return Text.IsStorable(details) ? null : "must not contain U+0000 or unpaired surrogates";
    }

    /// <inheritdoc/>
    public override string ToString() => State switch
    {
        PayoutState.Unpaid => "unpaid",
        PayoutState.Paid => "paid",
        PayoutState.Cancelled => "cancelled",
        PayoutState.Failed => "failed",
        _ => "confirmed",
    };
}
