using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Bench.Micro;

/// <summary>A payout of usual size.</summary>
internal static class Samples
{
    public static readonly Currency Currency = new("RUB");

    public static Payout Payout() => Domain.Payouts.Payout.Create(
        new PayoutId("payout-7"),
        DateTimeOffset.UnixEpoch,
        new PartyId("party-1"),
        new ShopId("shop-1"),
        new PayoutToolId("tool-1"),
        Currency,
        new CashFlow(
        [
            Posting(AccountType.MerchantSettlement, 10, AccountType.MerchantPayout, 12, 100_000, null),
            Posting(AccountType.MerchantPayout, 12, AccountType.SystemSettlement, 1, 2_500, "fixed fee"),
            Posting(AccountType.MerchantSettlement, 10, AccountType.SystemSettlement, 1, 300, "fee"),
            Posting(AccountType.SystemSettlement, 1, AccountType.ExternalOutcome, 3, 1_000, "bank's fee"),
        ]));

    public static PayoutEvent Event() => PayoutEvent.OfLatestChange(Payout(), DateTimeOffset.UnixEpoch);

    private static CashFlowPosting Posting(AccountType from, long fromId, AccountType to, long toId, long amount, string? details) =>
        new(new CashFlowAccount(from, fromId), new CashFlowAccount(to, toId), new Cash(amount, Currency), details);
}
