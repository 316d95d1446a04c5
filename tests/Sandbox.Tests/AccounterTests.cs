using PayoutManager.Sandbox.Ledger;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Base;
using Accounter = PayoutManager.Sandbox.Ledger.Accounter;

namespace PayoutManager.Sandbox.Tests;

/// <summary>The accounter's rules, as they were measured in its source.</summary>
public class AccounterTests
{
    private readonly Accounter _accounter = new();

    public AccounterTests()
    {
        _accounter.Open(1, "RUB", "a");
        _accounter.Open(2, "RUB", "b");
        _accounter.Open(3, "USD", "c");
        _accounter.Transfer(2, 1, 1_000);
    }

    [Fact]
    public void A_hold_lowers_what_is_available_and_moves_nothing()
    {
        _accounter.Hold(Change("p", 300));

        Assert.Equal((1_000, 1_000, 700), Balance(1));
        Assert.Equal((-1_000, -700, -1_000), Balance(2));
    }

    [Fact]
    public void A_commit_moves_the_money_and_a_rollback_frees_it()
    {
        _accounter.Hold(Change("p", 300));
        _accounter.Commit(Plan("p", 300));
        _accounter.Hold(Change("q", 300));
        _accounter.Rollback(Plan("q", 300));

        Assert.Equal((700, 700, 700), Balance(1));
        Assert.Equal((-700, -700, -700), Balance(2));
    }

    [Fact]
    public void The_same_call_again_answers_as_the_first_did()
    {
        for (var i = 0; i < 2; i++)
            _accounter.Hold(Change("p", 300));
        Assert.Equal((1_000, 1_000, 700), Balance(1));
        for (var i = 0; i < 2; i++)
            _accounter.Commit(Plan("p", 300));
        Assert.Equal((700, 700, 700), Balance(1));
        _accounter.Hold(Change("q", 300));
        for (var i = 0; i < 2; i++)
            _accounter.Rollback(Plan("q", 300));
        Assert.Equal((700, 700, 700), Balance(1));
    }

    [Fact]
    public void A_final_plan_never_changes()
    {
        _accounter.Hold(Change("committed", 1));
        _accounter.Commit(Plan("committed", 1));
        _accounter.Hold(Change("rolled back", 1));
        _accounter.Rollback(Plan("rolled back", 1));

        Assert.Throws<InvalidRequest>(() => _accounter.Hold(Change("committed", 1)));
        Assert.Throws<InvalidRequest>(() => _accounter.Rollback(Plan("committed", 1)));
        Assert.Throws<InvalidRequest>(() => _accounter.Hold(Change("rolled back", 1)));
        Assert.Throws<InvalidRequest>(() => _accounter.Commit(Plan("rolled back", 1)));
        Assert.Equal(
            [("committed", PlanState.Committed), ("rolled back", PlanState.RolledBack)],
            _accounter.ListPlans().Select(p => (p.Id, p.State)));
    }

    [Fact]
    public void A_plan_that_is_unknown_cannot_be_finished()
    {
        Assert.Throws<InvalidRequest>(() => _accounter.Commit(Plan("p", 1)));
        Assert.Throws<InvalidRequest>(() => _accounter.Rollback(Plan("p", 1)));
        Assert.Throws<PlanNotFound>(() => _accounter.GetPlan("p"));
    }

    [Fact]
    public void Postings_at_the_end_must_be_the_held_ones_descriptions_included()
    {
        _accounter.Hold(Change("p", 300));

        Assert.Throws<InvalidPostingParams>(() => _accounter.Commit(Plan("p", 301)));
        var e = Assert.Throws<InvalidPostingParams>(() => _accounter.Rollback(Plan("p", 300, "other")));
        Assert.Equal("The posting is not as it was held", Assert.Single(e.WrongPostings!).Value);
        Assert.Equal(PlanState.Held, Assert.Single(_accounter.ListPlans()).State);
    }

    [Fact]
    public void A_batch_cannot_be_held_with_other_postings()
    {
        _accounter.Hold(Change("p", 300));
        Assert.Throws<InvalidRequest>(() => _accounter.Hold(Change("p", 301)));
        Assert.Equal((1_000, 1_000, 700), Balance(1));
    }

    [Fact]
    public void Postings_that_make_no_sense_are_refused_each_with_its_fault()
    {
        var e = Assert.Throws<InvalidPostingParams>(() => _accounter.Hold(new PostingPlanChange("p", new PostingBatch(1,
        [
            new Posting(9, 1, 1, "RUB", ""),
            new Posting(1, 9, 1, "RUB", ""),
            new Posting(1, 2, -1, "RUB", ""),
            new Posting(1, 3, 1, "RUB", ""),
        ]))));

        Assert.Equal(
            ["Source account not found", "Target account not found", "Amount cannot be negative", "Currency mismatch"],
            e.WrongPostings!.Values);
        Assert.Empty(_accounter.ListPlans());
    }

    [Fact]
    public void A_balance_can_be_asked_for_at_a_clock_that_the_ledger_has_reached()
    {
        var now = _accounter.Hold(Change("p", 300));
        var future = new Clock.vector(new VectorClock([0x7f, 0, 0, 0, 0, 0, 0, 0]));

        Assert.Equal(700, _accounter.GetBalance(1, now).MinAvailableAmount);
        Assert.Equal(700, _accounter.GetBalance(1, new Clock.latest(new LatestClock())).MinAvailableAmount);
        Assert.Throws<ClockInFuture>(() => _accounter.GetBalance(1, future));
        Assert.Throws<AccountNotFound>(() => _accounter.GetBalance(9, null));
        Assert.Throws<AccountNotFound>(() => _accounter.GetAccount(9));
    }

    [Fact]
    public void Money_is_conserved()
    {
        _accounter.Hold(Change("p", 300));
        _accounter.Commit(Plan("p", 300));
        Assert.Equal(0, _accounter.ListAccounts().Sum(a => a.OwnAmount));
    }

    private (long Own, long Max, long Min) Balance(long id)
    {
        var balance = _accounter.GetBalance(id, null);
        return (balance.OwnAmount, balance.MaxAvailableAmount, balance.MinAvailableAmount);
    }

    private static PostingPlanChange Change(string id, long amount) => new(id, Batch(amount, "for tests"));

    private static PostingPlan Plan(string id, long amount, string description = "for tests") => new(id, [Batch(amount, description)]);

    private static PostingBatch Batch(long amount, string description) => new(1, [new Posting(1, 2, amount, "RUB", description)]);
}
