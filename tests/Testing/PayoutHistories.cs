using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Testing;

/// <summary>What tests ask of histories.</summary>
public static class PayoutHistories
{
    /// <summary>Everything about one payout id.</summary>
    public static async Task<PayoutHistory> ReadAsync(this IPayoutHistory history, PayoutId payoutId, CancellationToken cancellationToken) =>
        (await history.ReadAsync([payoutId], cancellationToken))[payoutId];
}
