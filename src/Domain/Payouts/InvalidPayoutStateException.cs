namespace PayoutManager.Domain.Payouts;

/// <summary>A payout was asked for something that its state does not allow. Nothing changed.</summary>
public sealed class InvalidPayoutStateException : Exception
{
    /// <summary>Names the action and the state that forbids it.</summary>
    /// <param name="action">The verb, such as <c>confirm</c>.</param>
    /// <param name="payout">The payout that cannot do it.</param>
    public InvalidPayoutStateException(string action, Payout payout)
        : base($"Cannot {action} payout {payout.Id}: it is {payout.Status}.")
    {
    }
}
