using System.Security.Cryptography;
using System.Text;
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

    /// <summary>The deployed ledger keeps 64 characters of a name; a longer one is made of the id's SHA-256.</summary>
    [Theory]
    [InlineData(57, 1, null, "revert#1.")]
    [InlineData(58, 1, "payout#1.", "revert#1.")]
    [InlineData(55, 2, null, "revert#2.")]
    [InlineData(56, 2, "payout#2.", "revert#2.")]
    [InlineData(256, 3, "payout#3.", "revert#3.")]
    [InlineData(50, 1, null, null)]
    [InlineData(51, 1, null, "revert#1.")]
    [InlineData(48, 2, null, null)]
    [InlineData(49, 2, null, "revert#2.")]
    public void A_name_that_would_not_fit_is_hashed(int idLength, int attempt, string? hold, string? revert)
    {
        var id = new PayoutId(new string('x', idLength));
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(id.Value))).TrimEnd('=').Replace('+', '-').Replace('/', '_');

        Assert.Equal(43, hash.Length);
        Assert.Equal(hold is null ? $"payout{(attempt == 1 ? "" : $"#{attempt}")}_{id}" : hold + hash, LedgerPlan.HoldId(id, attempt));
        Assert.Equal(revert is null ? $"revert{(attempt == 1 ? "" : $"#{attempt}")}_payout_{id}" : revert + hash, LedgerPlan.RevertId(id, attempt));
        Assert.True(LedgerPlan.HoldId(id, attempt).Length <= LedgerPlan.MaxNameLength);
        Assert.True(LedgerPlan.RevertId(id, attempt).Length <= LedgerPlan.MaxNameLength);
    }

    /// <summary>Names are in the ledger for good, so they must never change.</summary>
    [Fact]
    public void A_hashed_name_is_this_one()
    {
        var id = new PayoutId(new string('a', 58));

        Assert.Equal("payout#1.1cA5t0iqZGZXgpdOw9wwJcBC7fVNzcK13jE4WwlMtng", LedgerPlan.HoldId(id, 1));
        Assert.Equal("revert#17.1cA5t0iqZGZXgpdOw9wwJcBC7fVNzcK13jE4WwlMtng", LedgerPlan.RevertId(id, 17));
    }

    /// <summary>The ledger's column counts characters, not UTF-16 code units.</summary>
    [Fact]
    public void A_character_outside_of_the_basic_plane_counts_once()
    {
        var fits = string.Concat(Enumerable.Repeat("😀", 57));

        Assert.Equal($"payout_{fits}", LedgerPlan.HoldId(new PayoutId(fits), 1));
        Assert.StartsWith("payout#1.", LedgerPlan.HoldId(new PayoutId(fits + "😀"), 1), StringComparison.Ordinal);
    }

    [Fact]
    public void There_is_no_attempt_before_the_first() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => LedgerPlan.Hold(new PayoutId("p"), TypicalCashFlow, 0));

    [Fact]
    public void No_payout_id_gives_a_first_plan_the_name_of_another()
    {
        string[] nasty = ["7", "#2_7", "2_7", "payout_7", "payout#2_7", "revert_payout_7", "_7", "revert#2_payout_7",
            ".7", "#1.7", "payout#1.7", new string('x', 57), new string('x', 58), new string('x', 255), new string('x', 256)];
        var names = nasty.SelectMany(id => new[] { 1, 2, 3 }.SelectMany(attempt => new[]
        {
            LedgerPlan.Hold(new PayoutId(id), TypicalCashFlow, attempt).Id,
            LedgerPlan.Revert(new PayoutId(id), TypicalCashFlow, attempt).Id,
        })).ToList();

        Assert.Equal(names.Count, names.Distinct().Count());
    }
}
