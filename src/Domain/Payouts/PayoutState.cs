namespace PayoutManager.Domain.Payouts;

/// <summary>The places in a payout's life.</summary>
public enum PayoutState
{
    /// <summary>Created; the money is held.</summary>
    Unpaid,

    /// <summary>Sent to the bank. No verb leads here, but payouts of former times may have it; acts as unpaid.</summary>
    Paid,

    /// <summary>Called off; the money is back.</summary>
    Cancelled,

    /// <summary>Done; the money has left.</summary>
    Confirmed,

    /// <summary>Came to nothing. No verb leads here or away; rows of a later variant of the predecessor may have it.</summary>
    Failed,
}
