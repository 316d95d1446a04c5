using PayoutManager.Application.Operations;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Testing;

/// <summary>Payouts for tests, on accounts of the sandbox's shop-1.</summary>
public static class Payouts
{
    /// <summary>The currency of all of them.</summary>
    public static readonly Currency Rub = new("RUB");

    /// <summary>100,000 leave the balance, 2,500 of them as a fixed fee, and 300 on top as a fee.</summary>
    public static CashFlow CashFlow { get; } = new(
    [
        new(new(AccountType.MerchantSettlement, 10), new(AccountType.MerchantPayout, 12), new(100_000, Rub)),
        new(new(AccountType.MerchantPayout, 12), new(AccountType.SystemSettlement, 1), new(2_500, Rub), "fixed fee"),
        new(new(AccountType.MerchantSettlement, 10), new(AccountType.SystemSettlement, 1), new(300, Rub), "комиссия"),
    ]);

    /// <summary>A payout as it is created.</summary>
    public static Payout Unpaid(string id) => Payout.Create(
        new PayoutId(id),
        new DateTimeOffset(2021, 9, 10, 12, 34, 56, TimeSpan.Zero).AddTicks(7_890_120),
        new PartyId("party-1"),
        new ShopId("shop-1"),
        new PayoutToolId("tool-1"),
        Rub,
        CashFlow);

    /// <summary>The intent to create it.</summary>
    public static CreateIntent CreateIntent(string id, long amount = 100_000) => new(
        new PayoutRequest(new PartyId("party-1"), new ShopId("shop-1"), new Cash(amount, Rub), null),
        Unpaid(id),
        IdIsOurs: false);
}
