using PayoutManager.Thrift.Domain;
using PayoutManager.Thrift.Parties;

namespace PayoutManager.Sandbox.Parties;

/// <summary>
/// What a payout costs in the sandbox: a fixed fee taken off what the merchant receives, a share of the amount on top, and
/// what the bank takes from the platform.
/// </summary>
public static class Terms
{
    /// <summary>Taken off what is paid out, in minor units.</summary>
    public const long FixedFee = 2_500;

    /// <summary>Charged on top: this many thousandths of the amount, rounded half up.</summary>
    public const long FeePerMille = 3;

    /// <summary>What the bank takes from the platform, in minor units.</summary>
    public const long BankFee = 1_000;

    /// <summary>A shop that may not be paid out.</summary>
    public const string BlockedShop = "shop-blocked";

    /// <summary>The postings of a payout.</summary>
    /// <exception cref="OperationNotPermitted">The shop may not be paid out.</exception>
    public static List<FinalCashFlowPosting> Compute(ShopAccount shop, string shopId, SystemAccounts system, Cash cash)
    {
        if (shopId == BlockedShop)
            throw new OperationNotPermitted();
        var settlement = Merchant(MerchantCashFlowAccount.settlement, shop.Settlement);
        var payout = Merchant(MerchantCashFlowAccount.payout, shop.Payout);
        var platform = new FinalCashFlowAccount(
            new CashFlowAccount.system(SystemCashFlowAccount.settlement), system.Settlement);
        var bank = new FinalCashFlowAccount(
            new CashFlowAccount.external(ExternalCashFlowAccount.outcome), system.Outcome);
        return
        [
            Posting(settlement, payout, cash.Amount, null),
            Posting(payout, platform, FixedFee, "fixed fee"),
            Posting(settlement, platform, Share(cash.Amount), "fee"),
            Posting(platform, bank, BankFee, "bank's fee"),
        ];

        FinalCashFlowPosting Posting(FinalCashFlowAccount from, FinalCashFlowAccount to, long amount, string? details) =>
            new(from, to, new Cash(amount, cash.Currency)) { Details = details };
    }

    private static long Share(long amount) => (long)(((Int128)amount * FeePerMille + 500) / 1000);

    private static FinalCashFlowAccount Merchant(MerchantCashFlowAccount type, long id) =>
        new(new CashFlowAccount.merchant(type), id);
}
