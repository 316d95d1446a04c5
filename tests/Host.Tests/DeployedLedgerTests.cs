using PayoutManager.Sandbox.Ledger;
using PayoutManager.Sandbox.Parties;
using PayoutManager.Testing;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;
using Accounts = PayoutManager.Sandbox.Ledger.Accounter;

namespace PayoutManager.Host.Tests;

/// <summary>
/// The service beside the accounter as it is deployed, and as its contract declares it: whatever the ledger refuses, the operation ends,
/// nothing is held for nobody, and nobody is paid twice.
/// </summary>
public abstract class LedgerFormTests(LedgerForm form) : IAsyncLifetime
{
    private PostgresPeers _peers = null!;
    private RunningHost _host = null!;

    private Accounts Ledger => _peers.Sandbox.Accounter;

    public async Task InitializeAsync()
    {
        _peers = await PostgresPeers.StartAsync(form);
        _host = await RunningHost.StartAsync(_peers.Configuration);
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _peers.DisposeAsync();
    }

    public static TheoryData<string> Ids =>
        ["p", new string('a', 50), new string('b', 51), new string('c', 57), new string('d', 58), new string('e', 256), string.Concat(Enumerable.Repeat("😀", 128))];

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task An_id_of_any_length_goes_all_the_way(string id)
    {
        var own = _peers.Account(10).OwnAmount;
        await _host.CreateAsync(id);
        await _host.ConfirmAsync(id);
        Assert.Equal(own - 100_300, _peers.Account(10).OwnAmount);

        await _host.CancelAsync(id);

        Assert.IsType<PayoutStatus.cancelled>((await _host.GetAsync(id)).Status);
        Assert.Equal(own, _peers.Account(10).OwnAmount);
        Assert.Equal([PlanState.Committed, PlanState.Committed], Ledger.ListPlans().Select(plan => plan.State));
        Assert.All(Ledger.ListPlans(), plan => Assert.True(plan.Id.EnumerateRunes().Count() <= 64));
        await AssertNothingIsLeftAsync();
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task An_id_of_any_length_can_be_cancelled_and_refused_for_lack_of_money_and_used_again(string id)
    {
        Assert.Equal("InsufficientFunds", (await _host.CreateAsync(id, amount: 20_000_000)).Refusal);
        await _host.CreateAsync(id);
        await _host.CancelAsync(id);

        Assert.Equal([PlanState.RolledBack, PlanState.RolledBack], Ledger.ListPlans().Select(plan => plan.State));
        Assert.Equal(_peers.Account(10).OwnAmount, _peers.Account(10).MinAvailableAmount);
        await AssertNothingIsLeftAsync();
    }

    [Theory]
    [InlineData("shop-with-unknown-account")]
    [InlineData("shop-in-another-currency")]
    public async Task An_account_or_a_currency_that_the_ledger_refuses_ends_the_create_and_the_id_can_be_used_again(string shop)
    {
        for (var i = 0; i < 2; i++)
            await RefusedAsync(() => _host.CreateAsync("p1", shop: shop, party: "party-odd"));

        Assert.Empty(Ledger.ListPlans());
        await AssertNothingIsLeftAsync();
        Assert.Equal("p1", (await _host.CreateAsync("p1")).Payout!.PayoutId);
        Assert.Equal(["payout_p1"], Ledger.ListPlans().Select(plan => plan.Id));
    }

    [Fact]
    public async Task An_account_that_becomes_known_can_be_paid_from_under_the_same_id()
    {
        await RefusedAsync(() => _host.CreateAsync("p1", shop: "shop-with-unknown-account", party: "party-odd"));
        for (var account = PartyBook.UnknownAccount; account < PartyBook.UnknownAccount + 3; account++)
            Ledger.Open(account, "RUB", "opened late");
        _peers.Sandbox.Parties.Deposit(PartyBook.UnknownAccount, 1_000_000);

        Assert.Equal("p1", (await _host.CreateAsync("p1", shop: "shop-with-unknown-account", party: "party-odd")).Payout!.PayoutId);
        Assert.Equal([("payout_p1", PlanState.Held)], Ledger.ListPlans().Select(plan => (plan.Id, plan.State)));
    }

    [Fact]
    public async Task An_id_that_the_predecessor_refused_is_used_again_under_the_next_plan()
    {
        Ledger.Rollback(await MovePlanAsync("p1"));

        var payout = (await _host.CreateAsync("p1")).Payout!;
        await _host.ConfirmAsync("p1");

        Assert.Equal("p1", payout.PayoutId);
        Assert.Equal(
            [("payout#2_p1", PlanState.Committed), ("payout_p1", PlanState.RolledBack)],
            Ledger.ListPlans("p1").Select(plan => (plan.Id, plan.State)).Order());
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task An_id_that_is_paid_already_is_refused_for_ever_and_never_paid_by_another_plan()
    {
        Ledger.Commit(await MovePlanAsync("p1"));

        for (var i = 0; i < 3; i++)
            await RefusedAsync(() => _host.CreateAsync("p1"));

        Assert.Equal([("payout_p1", PlanState.Committed)], Ledger.ListPlans("p1").Select(plan => (plan.Id, plan.State)));
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task A_hold_that_the_predecessor_left_is_taken_up_by_the_same_create_and_by_no_other()
    {
        await MovePlanAsync("p1");
        await MovePlanAsync("p2");

        Assert.Equal("p1", (await _host.CreateAsync("p1")).Payout!.PayoutId);
        await RefusedAsync(() => _host.CreateAsync("p2", amount: 100_001));

        Assert.Equal([PlanState.Held, PlanState.Held], Ledger.ListPlans("payout_p").Select(plan => plan.State));
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task A_revert_that_was_committed_under_another_description_is_not_made_twice()
    {
        await _host.CreateAsync("p1");
        await _host.ConfirmAsync("p1");
        var held = Ledger.ListPlans("payout_p1").Single();
        var revert = new PostingBatch(1, [.. held.Postings.Select(p => new Posting(p.ToId, p.FromId, p.Amount, p.Currency, "by hand"))]);
        Ledger.Hold(new PostingPlanChange("revert_payout_p1", revert));
        Ledger.Commit(new PostingPlan("revert_payout_p1", [revert]));

        await RefusedAsync(async () =>
        {
            await _host.CancelAsync("p1");
            return true;
        });

        Assert.IsType<PayoutStatus.confirmed>((await _host.GetAsync("p1")).Status);
        Assert.Equal(["payout_p1", "revert_payout_p1"], Ledger.ListPlans().Select(plan => plan.Id).Order());
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task A_plan_that_somebody_else_moved_ends_the_change_and_the_payout_stays_as_it_is()
    {
        await _host.CreateAsync("confirmed");
        await _host.CreateAsync("cancelled");
        Ledger.Rollback(Ledger.GetPlan("payout_confirmed"));
        Ledger.Commit(Ledger.GetPlan("payout_cancelled"));

        foreach (var call in (Func<Task>[])[() => _host.ConfirmAsync("confirmed"), () => _host.CancelAsync("cancelled")])
        {
            await RefusedAsync(async () =>
            {
                await call();
                return true;
            });
        }

        Assert.IsType<PayoutStatus.unpaid>((await _host.GetAsync("confirmed")).Status);
        Assert.IsType<PayoutStatus.unpaid>((await _host.GetAsync("cancelled")).Status);
        await AssertNothingIsLeftAsync();
    }

    [Theory]
    [InlineData(9_007_199_254_740_992)]
    [InlineData(long.MaxValue)]
    public async Task An_amount_at_which_the_ledgers_sums_might_wrap_is_refused(long amount)
    {
        Assert.Equal($"amount must be at most 9007199254740991 minor units, is {amount}", (await _host.CreateAsync("p1", amount)).Refusal);

        Assert.Empty(Ledger.ListPlans());
        Assert.Equal("p1", (await _host.CreateAsync("p1")).Payout!.PayoutId);
    }

    private static async Task RefusedAsync<T>(Func<Task<T>> call)
    {
        var e = await Assert.ThrowsAsync<WoodyCallException>(call);
        Assert.Equal("500 the ledger refused the payout's plan", e.Message);
    }

    /// <summary>Holds the plan of a payout of 100,000 from shop-1 as the predecessor did, of which the database knows nothing.</summary>
    private async Task<PostingPlan> MovePlanAsync(string id)
    {
        var twin = $"twin-{id.ToUpperInvariant()}";
        await _host.CreateAsync(twin);
        var like = Ledger.ListPlans(twin).Single();
        var batch = new PostingBatch(
            1,
            [
                .. like.Postings.Select(p => new Posting(
                    p.FromId, p.ToId, p.Amount, p.Currency, p.Description.Replace(twin, id, StringComparison.Ordinal))),
            ]);
        await _host.CancelAsync(twin);
        Ledger.Hold(new PostingPlanChange($"payout_{id}", batch));
        return new PostingPlan($"payout_{id}", [batch]);
    }

    /// <summary>No operation is under way, and none will be: nothing is tried for ever.</summary>
    private async Task AssertNothingIsLeftAsync() => Assert.Empty(
        await Sql.QueryAsync(_peers.ConnectionString, "SELECT payout_id FROM pm.payout_operation WHERE kind <> 'spent'"));
}

/// <summary>Every refusal is an HTTP 400 that the contract does not declare.</summary>
public sealed class DeployedLedgerTests() : LedgerFormTests(LedgerForm.Deployed);

/// <summary>Refusals are the contract's exceptions.</summary>
public sealed class DeclaredLedgerTests() : LedgerFormTests(LedgerForm.Declared);
