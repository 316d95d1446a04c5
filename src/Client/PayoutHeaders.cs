namespace PayoutManager.Client;

/// <summary>The HTTP headers of the service's own, beside those of woody.</summary>
public static class PayoutHeaders
{
    /// <summary>
    /// Sent with <c>PayoutAlreadyExists</c>: <c>true</c> if the payout came of a request for the same party, shop, amount, currency and
    /// payout tool, else <c>false</c>. Absent where the service does not know, as for payouts that are older than the header.
    /// </summary>
    public const string SameRequest = "payout.same-request";
}
