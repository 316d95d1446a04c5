using PayoutManager.Sandbox.Ledger;
using PayoutManager.Thrift.Accounting;
using static PayoutManager.Sandbox.Tests.Ledger.LedgerPeer;

namespace PayoutManager.Sandbox.Tests.Ledger;

/// <summary>What holds and commits do to balances, in both forms.</summary>
public sealed class BalanceTests
{
    public static TheoryData<LedgerForm> Forms => new(Enum.GetValues<LedgerForm>());

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task A_fee_that_goes_back_to_the_shop_in_the_same_plan_is_netted(LedgerForm form)
    {
        await using var ledger = await StartAsync(form);
        ledger.Sandbox.Accounter.Transfer(B, A, 1_000);
        Posting[] postings = [Post(A, B, 600, description: "payout"), Post(B, A, 100, description: "fixed fee"), Post(A, C, 30, description: "fee")];

        await ledger.HoldAsync("p", 1, postings);
        Assert.Equal((1_000, 470, 1_000), ledger.Balance(A));
        Assert.Equal((-1_000, -1_000, -500), ledger.Balance(B));
        Assert.Equal((0, 0, 30), ledger.Balance(C));

        await ledger.CommitAsync("p", Batch(1, postings));
        Assert.Equal((470, 470, 470), ledger.Balance(A));
        Assert.Equal((-500, -500, -500), ledger.Balance(B));
        Assert.Equal((30, 30, 30), ledger.Balance(C));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task Each_plan_counts_by_its_own_net_amount(LedgerForm form)
    {
        await using var ledger = await StartAsync(form);

        await ledger.HoldAsync("out", 1, Post(A, B, 100));
        await ledger.HoldAsync("in", 1, Post(B, A, 70));
        await ledger.HoldAsync("even", 1, Post(A, B, 5), Post(B, A, 5));
        Assert.Equal((0, -100, 70), ledger.Balance(A));
        Assert.Equal((0, -70, 100), ledger.Balance(B));

        await ledger.RollbackAsync("out", Batch(1, Post(A, B, 100)));
        await ledger.RollbackAsync("in", Batch(1, Post(B, A, 70)));
        Assert.Equal((0, 0, 0), ledger.Balance(A));
    }

    /// <summary>The net of a plan is that of all its batches together, whatever sign it had before.</summary>
    [Theory]
    [InlineData(LedgerForm.Deployed, 40, -60, 0)]
    [InlineData(LedgerForm.Deployed, 100, 0, 0)]
    [InlineData(LedgerForm.Deployed, 130, 0, 30)]
    [InlineData(LedgerForm.Declared, 130, 0, 30)]
    public async Task A_second_batch_is_netted_with_the_first(LedgerForm form, long back, long min, long max)
    {
        await using var ledger = await StartAsync(form);

        await ledger.HoldAsync("p", 1, Post(A, B, 100));
        await ledger.HoldAsync("p", 2, Post(B, A, back));
        Assert.Equal((0, min, max), ledger.Balance(A));
        Assert.Equal((0, -max, -min), ledger.Balance(B));

        await ledger.CommitAsync("p", Batch(2, Post(B, A, back)), Batch(1, Post(A, B, 100)));
        Assert.Equal((back - 100, back - 100, back - 100), ledger.Balance(A));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task A_hold_can_be_repeated_for_each_batch_of_a_plan(LedgerForm form)
    {
        await using var ledger = await StartAsync(form);
        await ledger.HoldAsync("p", 1, Post(A, B, 100));
        await ledger.HoldAsync("p", 2, Post(A, B, 10));
        var state = ledger.State;

        Assert.Equal(200, (await ledger.HoldAsync("p", 1, Post(A, B, 100))).Status);
        Assert.Equal(200, (await ledger.HoldAsync("p", 2, Post(A, B, 10))).Status);

        Assert.Equal(state, ledger.State);
        Assert.Equal((0, -110, 0), ledger.Balance(A));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task Postings_are_compared_as_sets(LedgerForm form)
    {
        await using var ledger = await StartAsync(form);
        Posting first = Post(A, B, 100), second = Post(A, C, 10);
        await ledger.HoldAsync("p", 1, first, second);
        var state = ledger.State;

        // Another order, and an equal posting more than once.
        Assert.Null((await ledger.HoldAsync("p", 1, second, first)).ErrorClass);
        Assert.Null((await ledger.HoldAsync("p", 1, first, second, first)).ErrorClass);
        Assert.Equal(state, ledger.State);

        Assert.Null((await ledger.CommitAsync("p", Batch(1, second, first))).ErrorClass);
        Assert.Null((await ledger.CommitAsync("p", Batch(1, first, second, second))).ErrorClass);
        Assert.Equal((-110, -110, -110), ledger.Balance(A));
    }

    /// <summary>The deployed ledger moves what the commit says, and lets go of as much.</summary>
    [Theory]
    [MemberData(nameof(Forms))]
    public async Task A_commit_moves_its_own_postings_however_often_an_equal_one_was_held(LedgerForm form)
    {
        await using var ledger = await StartAsync(form);
        await ledger.HoldAsync("p", 1, Post(A, B, 100), Post(A, B, 100));
        Assert.Equal((0, -200, 0), ledger.Balance(A));

        Assert.Null((await ledger.CommitAsync("p", Batch(1, Post(A, B, 100)))).ErrorClass);

        Assert.Equal((-100, -200, -100), ledger.Balance(A));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task Sums_wrap_at_64_bits_without_an_error(LedgerForm form)
    {
        await using var ledger = await StartAsync(form);
        var all = Batch(1, Post(A, B, long.MaxValue), Post(A, B, long.MaxValue, description: "again"));

        // Twice the largest amount is two less than the whole range: the net wraps to the other sign.
        Assert.Null((await ledger.HoldAsync("p", 1, all.Postings!)).ErrorClass);
        Assert.Equal((0, 0, 2), ledger.Balance(A));
        Assert.Equal((0, -2, 0), ledger.Balance(B));
        Assert.Null((await ledger.CommitAsync("p", all)).ErrorClass);
        Assert.Equal((2, 2, 2), ledger.Balance(A));
        Assert.Equal((-2, -2, -2), ledger.Balance(B));

        // Own amount and available amount wrap as well.
        var rest = Batch(1, Post(B, A, long.MaxValue));
        Assert.Null((await ledger.HoldAsync("q", 1, rest.Postings!)).ErrorClass);
        Assert.Equal((2, 2, long.MinValue + 1), ledger.Balance(A));
        Assert.Equal((-2, long.MaxValue, -2), ledger.Balance(B));
        Assert.Null((await ledger.CommitAsync("q", rest)).ErrorClass);
        Assert.Equal(long.MinValue + 1, ledger.Balance(A).Own);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task An_amount_of_zero_is_held(LedgerForm form)
    {
        await using var ledger = await StartAsync(form);

        Assert.Null((await ledger.HoldAsync("p", 1, Post(A, B, 0))).ErrorClass);

        Assert.Equal(PlanState.Held, ledger.Sandbox.Accounter.ListPlans().Single().State);
    }
}
