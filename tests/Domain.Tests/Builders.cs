using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Domain.Tests;

internal static class Builders
{
    public static readonly Currency Rub = new("RUB");

    public static readonly DateTimeOffset Created = new(2021, 9, 10, 12, 34, 56, TimeSpan.Zero);

    public static CashFlowPosting Posting(AccountType from, AccountType to, long amount, string? details = null, string currency = "RUB") =>
        new(new CashFlowAccount(from, 10), new CashFlowAccount(to, 20), new Cash(amount, new Currency(currency)), details);

    /// <summary>100,000 leave the balance, 2,500 of them as a fixed fee, and 300 on top as a fee.</summary>
    public static CashFlow TypicalCashFlow { get; } = new(
    [
        new(new(AccountType.MerchantSettlement, 10), new(AccountType.MerchantPayout, 12), new(100_000, Rub)),
        new(new(AccountType.MerchantPayout, 12), new(AccountType.SystemSettlement, 20), new(2_500, Rub), "fixed fee"),
        new(new(AccountType.MerchantSettlement, 10), new(AccountType.SystemSettlement, 20), new(300, Rub), "комиссия"),
    ]);

    public static Payout Unpaid(string id = "payout-7") => Payout.Create(
        new PayoutId(id),
        Created,
        new PartyId("party-1"),
        new ShopId("shop-1"),
        new PayoutToolId("tool-1"),
        Rub,
        TypicalCashFlow);

    public static Payout In(PayoutState state) => state switch
    {
        PayoutState.Unpaid => Unpaid(),
        PayoutState.Paid => Restored(PayoutStatus.Paid),
        PayoutState.Confirmed => Unpaid().Confirm(),
        PayoutState.Failed => Restored(PayoutStatus.Failed),
        _ => Unpaid().Cancel("first"),
    };

    private static Payout Restored(PayoutStatus status)
    {
        var payout = Unpaid();
        return Payout.Restore(
            payout.Id, 1, payout.CreatedAt, payout.PartyId, payout.ShopId, payout.PayoutToolId, payout.CashFlow,
            payout.Amount, payout.Fee, status);
    }
}
