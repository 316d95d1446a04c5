using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Payouts;
using static PayoutManager.Domain.Tests.Builders;

namespace PayoutManager.Domain.Tests;

public class LedgerPlanTests
{
    [Fact]
    public void A_hold_has_a_posting_for_each_of_the_cash_flow()
    {
        var plan = Unpaid().HoldPlan;

        Assert.Equal("payout_payout-7", plan.Id);
        Assert.Equal(1, LedgerPlan.BatchId);
        Assert.Equal(
            [
                new LedgerPosting(10, 12, new Cash(100_000, Rub), "PAYOUT-payout-7"),
                new LedgerPosting(12, 20, new Cash(2_500, Rub), "fixed fee"),
                new LedgerPosting(10, 20, new Cash(300, Rub), "комиссия"),
            ],
            plan.Postings);
    }

    [Fact]
    public void A_revert_swaps_the_accounts()
    {
        var plan = Unpaid().Confirm().RevertPlan(1);

        Assert.Equal("revert_payout_payout-7", plan.Id);
        Assert.Equal(
            [
                new LedgerPosting(12, 10, new Cash(100_000, Rub), "Revert payout: payout-7"),
                new LedgerPosting(20, 12, new Cash(2_500, Rub), "Revert payout: payout-7"),
                new LedgerPosting(20, 10, new Cash(300, Rub), "Revert payout: payout-7"),
            ],
            plan.Postings);
    }

    [Theory]
    [InlineData(2, "payout#2_payout-7", "revert#2_payout_payout-7")]
    [InlineData(17, "payout#17_payout-7", "revert#17_payout_payout-7")]
    public void Each_further_attempt_has_a_name_of_its_own(int attempt, string hold, string revert)
    {
        Assert.Equal(hold, Unpaid().HeldBy(attempt).HoldPlan.Id);
        Assert.Equal(revert, Unpaid().RevertPlan(attempt).Id);
    }

    [Fact]
    public void There_is_no_attempt_before_the_first() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => LedgerPlan.Hold(new PayoutId("p"), TypicalCashFlow, 0));

    [Fact]
    public void No_payout_id_gives_a_first_plan_the_name_of_another()
    {
        string[] nasty = ["7", "#2_7", "2_7", "payout_7", "payout#2_7", "revert_payout_7", "_7", "revert#2_payout_7"];
        var names = nasty.SelectMany(id => new[] { 1, 2, 3 }.SelectMany(attempt => new[]
        {
            LedgerPlan.Hold(new PayoutId(id), TypicalCashFlow, attempt).Id,
            LedgerPlan.Revert(new PayoutId(id), TypicalCashFlow, attempt).Id,
        })).ToList();

        Assert.Equal(names.Count, names.Distinct().Count());
    }
}
