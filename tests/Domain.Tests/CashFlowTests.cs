using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using static PayoutManager.Domain.CashFlows.AccountType;
using static PayoutManager.Domain.Tests.Builders;

namespace PayoutManager.Domain.Tests;

public class CashFlowTests
{
    private static readonly Dictionary<(AccountType, AccountType), PostingKind> Kinds = new()
    {
        [(ProviderSettlement, MerchantSettlement)] = PostingKind.Amount,
        [(SystemSettlement, ExternalIncome)] = PostingKind.ExternalFee,
        [(SystemSettlement, ExternalOutcome)] = PostingKind.ExternalFee,
        [(SystemSettlement, ProviderSettlement)] = PostingKind.ProviderFee,
        [(SystemSettlement, MerchantSettlement)] = PostingKind.ReturnFee,
        [(MerchantSettlement, SystemSettlement)] = PostingKind.Fee,
        [(MerchantSettlement, ProviderSettlement)] = PostingKind.RefundAmount,
        [(MerchantSettlement, MerchantGuarantee)] = PostingKind.GuaranteeDeposit,
        [(MerchantSettlement, MerchantPayout)] = PostingKind.PayoutAmount,
        [(MerchantPayout, SystemSettlement)] = PostingKind.PayoutFixedFee,
        [(MerchantPayout, MerchantSettlement)] = PostingKind.PayoutFixedFee,
    };

    [Fact]
    public void Every_pair_of_account_types_has_its_kind()
    {
        foreach (var from in Enum.GetValues<AccountType>())
        {
            foreach (var to in Enum.GetValues<AccountType>())
                Assert.Equal(Kinds.GetValueOrDefault((from, to), PostingKind.Unknown), Posting(from, to, 1).Kind);
        }
    }

    [Fact]
    public void Amount_and_fee_are_sums_of_their_kinds()
    {
        var cashFlow = new CashFlow(
        [
            Posting(MerchantSettlement, MerchantPayout, 70_000),
            Posting(MerchantSettlement, MerchantPayout, 30_000),
            Posting(MerchantPayout, SystemSettlement, 2_000),
            Posting(MerchantPayout, MerchantSettlement, 500),
            Posting(MerchantSettlement, SystemSettlement, 300),
            Posting(SystemSettlement, ExternalOutcome, 1_000_000),
            Posting(WalletSenderSource, WalletReceiverSettlement, 1_000_000),
        ]);

        Assert.Equal(new Cash(97_500, Rub), cashFlow.PayoutAmount(Rub));
        Assert.Equal(new Cash(2_800, Rub), cashFlow.Fee(Rub));
    }

    [Fact]
    public void A_cash_flow_without_postings_comes_to_nothing()
    {
        Assert.Equal(new Cash(0, Rub), new CashFlow([]).PayoutAmount(Rub));
        Assert.Equal(new Cash(0, Rub), new CashFlow([]).Fee(Rub));
    }

    [Fact]
    public void Sums_that_do_not_fit_are_errors_and_never_wrap()
    {
        var twice = new CashFlow(
            [Posting(MerchantSettlement, MerchantPayout, long.MaxValue), Posting(MerchantSettlement, MerchantPayout, 1)]);
        var fees = new CashFlow(
            [Posting(MerchantSettlement, SystemSettlement, long.MaxValue), Posting(MerchantPayout, SystemSettlement, 1)]);
        var difference = new CashFlow(
            [Posting(MerchantSettlement, MerchantPayout, long.MinValue), Posting(MerchantPayout, SystemSettlement, 1)]);

        Assert.Throws<OverflowException>(() => twice.PayoutAmount(Rub));
        Assert.Throws<OverflowException>(() => fees.Fee(Rub));
        Assert.Throws<OverflowException>(() => difference.PayoutAmount(Rub));
    }

    [Fact]
    public void Another_currency_matters_only_where_it_would_be_added_up()
    {
        var foreignCost = new CashFlow(
            [Posting(MerchantSettlement, MerchantPayout, 10), Posting(SystemSettlement, ExternalOutcome, 5, currency: "USD")]);
        var foreignAmount = new CashFlow([Posting(MerchantSettlement, MerchantPayout, 10, currency: "USD")]);

        Assert.Equal(new Cash(10, Rub), foreignCost.PayoutAmount(Rub));
        var e = Assert.Throws<InvalidOperationException>(() => foreignAmount.PayoutAmount(Rub));
        Assert.Equal("A PayoutAmount posting is in USD, the payout in RUB.", e.Message);
    }

    [Fact]
    public void Cash_flows_are_equal_by_contents_and_order()
    {
        var (a, b) = (Posting(MerchantSettlement, MerchantPayout, 1), Posting(MerchantPayout, SystemSettlement, 2));

        Assert.Equal(new CashFlow([a, b]), new CashFlow([a, b]));
        Assert.Equal(new CashFlow([a, b]).GetHashCode(), new CashFlow([a, b]).GetHashCode());
        Assert.False(new CashFlow([a, b]).Equals(new CashFlow([b, a])));
        Assert.False(new CashFlow([a]).Equals(null));
    }
}
