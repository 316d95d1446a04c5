using PayoutManager.Sandbox.Ledger;
using PayoutManager.Sandbox.Parties;
using PayoutManager.Testing;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Accounts = PayoutManager.Sandbox.Ledger.Accounter;

namespace PayoutManager.Host.Tests;

/// <summary>
/// The service beside the accounter as it is deployed, and as its contract declares it: whatever the ledger refuses, the operation ends,
/// nothing is held for nobody, and nobody is paid twice.
/// </summary>
public abstract class LedgerFormTests(LedgerForm form, SharedHost shared) : IAsyncLifetime
{
    private readonly string _id = shared.NewId();

    private PostgresPeers Peers => shared.Peers;

    private RunningHost Host => shared.Host;

    private Accounts Ledger => Peers.Sandbox.Accounter;

    /// <summary>Each test has a ledger of its own.</summary>
    public Task InitializeAsync() => Peers.RenewSandboxAsync(form);

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>Ids of all lengths at which the names of plans change.</summary>
    public static TheoryData<string> Ids => OfAllLengths("a", "😀");

    /// <summary>Others of the same lengths.</summary>
    public static TheoryData<string> OtherIds => OfAllLengths("b", "😁");

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task An_id_of_any_length_goes_all_the_way(string id)
    {
        var own = Peers.Account(10).OwnAmount;
        await Host.CreateAsync(id);
        await Host.ConfirmAsync(id);
        Assert.Equal(own - 100_300, Peers.Account(10).OwnAmount);

        await Host.CancelAsync(id);

        Assert.IsType<PayoutStatus.cancelled>((await Host.GetAsync(id)).Status);
        Assert.Equal(own, Peers.Account(10).OwnAmount);
        Assert.Equal([PlanState.Committed, PlanState.Committed], Ledger.ListPlans().Select(plan => plan.State));
        Assert.All(Ledger.ListPlans(), plan => Assert.True(plan.Id.EnumerateRunes().Count() <= 64));
        await AssertNothingIsLeftAsync();
    }

    [Theory]
    [MemberData(nameof(OtherIds))]
    public async Task An_id_of_any_length_can_be_cancelled_and_refused_for_lack_of_money_and_used_again(string id)
    {
        Assert.Equal("InsufficientFunds", (await Host.CreateAsync(id, amount: 20_000_000)).Refusal);
        await Host.CreateAsync(id);
        await Host.CancelAsync(id);

        Assert.Equal([PlanState.RolledBack, PlanState.RolledBack], Ledger.ListPlans().Select(plan => plan.State));
        Assert.Equal(Peers.Account(10).OwnAmount, Peers.Account(10).MinAvailableAmount);
        await AssertNothingIsLeftAsync();
    }

    [Theory]
    [InlineData("shop-with-unknown-account")]
    [InlineData("shop-in-another-currency")]
    public async Task An_account_or_a_currency_that_the_ledger_refuses_ends_the_create_and_the_id_can_be_used_again(string shop)
    {
        for (var i = 0; i < 2; i++)
            await RefusedAsync(() => Host.CreateAsync(_id, shop: shop, party: "party-odd"));

        Assert.Empty(Ledger.ListPlans());
        await AssertNothingIsLeftAsync();
        Assert.Equal(_id, (await Host.CreateAsync(_id)).Payout!.PayoutId);
        AssertTheRefusedPlanIsSpent();
    }

    [Fact]
    public async Task An_account_that_becomes_known_can_be_paid_from_under_the_same_id()
    {
        await RefusedAsync(() => Host.CreateAsync(_id, shop: "shop-with-unknown-account", party: "party-odd"));
        for (var account = PartyBook.UnknownAccount; account < PartyBook.UnknownAccount + 3; account++)
            Ledger.Open(account, "RUB", "opened late");
        Peers.Sandbox.Parties.Deposit(PartyBook.UnknownAccount, 1_000_000);

        Assert.Equal(_id, (await Host.CreateAsync(_id, shop: "shop-with-unknown-account", party: "party-odd")).Payout!.PayoutId);
        AssertTheRefusedPlanIsSpent();
    }

    [Fact]
    public async Task An_id_that_the_predecessor_refused_is_used_again_under_the_next_plan()
    {
        Ledger.Rollback(await MovePlanAsync(_id));

        var payout = (await Host.CreateAsync(_id)).Payout!;
        await Host.ConfirmAsync(_id);

        Assert.Equal(_id, payout.PayoutId);
        Assert.Equal(
            [($"payout#2_{_id}", PlanState.Committed), ($"payout_{_id}", PlanState.RolledBack)],
            Ledger.ListPlans(_id).Select(plan => (plan.Id, plan.State)).Order());
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task An_id_that_is_paid_already_is_refused_for_ever_and_never_paid_by_another_plan()
    {
        Ledger.Commit(await MovePlanAsync(_id));

        for (var i = 0; i < 3; i++)
            await RefusedAsync(() => Host.CreateAsync(_id));

        Assert.Equal([($"payout_{_id}", PlanState.Committed)], Ledger.ListPlans(_id).Select(plan => (plan.Id, plan.State)));
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task A_hold_that_the_predecessor_left_is_taken_up_by_the_same_create_and_by_no_other()
    {
        var other = shared.NewId();
        await MovePlanAsync(_id);
        await MovePlanAsync(other);

        Assert.Equal(_id, (await Host.CreateAsync(_id)).Payout!.PayoutId);
        await RefusedAsync(() => Host.CreateAsync(other, amount: 100_001));

        Assert.Equal([PlanState.Held, PlanState.Held], Ledger.ListPlans("payout_p").Select(plan => plan.State));
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task A_revert_that_was_committed_under_another_description_is_not_made_twice()
    {
        await Host.CreateAsync(_id);
        await Host.ConfirmAsync(_id);
        var held = Ledger.ListPlans($"payout_{_id}").Single();
        var revert = new PostingBatch(1, [.. held.Postings.Select(p => new Posting(p.ToId, p.FromId, p.Amount, p.Currency, "by hand"))]);
        Ledger.Hold(new PostingPlanChange($"revert_payout_{_id}", revert));
        Ledger.Commit(new PostingPlan($"revert_payout_{_id}", [revert]));

        await RefusedAsync(async () =>
        {
            await Host.CancelAsync(_id);
            return true;
        });

        Assert.IsType<PayoutStatus.confirmed>((await Host.GetAsync(_id)).Status);
        Assert.Equal([$"payout_{_id}", $"revert_payout_{_id}"], Ledger.ListPlans().Select(plan => plan.Id).Order());
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task A_plan_that_somebody_else_moved_ends_the_change_and_the_payout_stays_as_it_is()
    {
        var (confirmed, cancelled) = (_id, shared.NewId());
        await Host.CreateAsync(confirmed);
        await Host.CreateAsync(cancelled);
        Ledger.Rollback(Ledger.GetPlan($"payout_{confirmed}"));
        Ledger.Commit(Ledger.GetPlan($"payout_{cancelled}"));

        foreach (var call in (Func<Task>[])[() => Host.ConfirmAsync(confirmed), () => Host.CancelAsync(cancelled)])
        {
            await RefusedAsync(async () =>
            {
                await call();
                return true;
            });
        }

        Assert.IsType<PayoutStatus.unpaid>((await Host.GetAsync(confirmed)).Status);
        Assert.IsType<PayoutStatus.unpaid>((await Host.GetAsync(cancelled)).Status);
        await AssertNothingIsLeftAsync();
    }

    [Theory]
    [InlineData(9_007_199_254_740_992)]
    [InlineData(long.MaxValue)]
    public async Task An_amount_at_which_the_ledgers_sums_might_wrap_is_refused(long amount)
    {
        Assert.Equal($"amount must be at most 9007199254740991 minor units, is {amount}", (await Host.CreateAsync(_id, amount)).Refusal);

        Assert.Empty(Ledger.ListPlans());
        Assert.Equal(_id, (await Host.CreateAsync(_id)).Payout!.PayoutId);
    }

    /// <summary>The deployed ledger fails such a hold, as it does when its database is down, so it may work later.</summary>
    [Fact]
    public async Task A_currency_whose_code_is_too_long_for_the_ledger_holds_nothing_and_the_create_is_finished_once_it_fits()
    {
        var isTooLong = form == LedgerForm.Deployed;
        if (isTooLong)
        {
            var e = await Assert.ThrowsAsync<WoodyCallException>(() => CreateAsync(within: TimeSpan.FromSeconds(2)));
            Assert.Equal((WoodyOutcome.Unknown, "Result Unknown"), (e.Outcome, e.ErrorClass));
            Assert.Empty(Ledger.ListPlans());
            Assert.Equal(["create"], await Sql.QueryAsync(Peers.ConnectionString, $"SELECT kind FROM pm.payout_operation WHERE payout_id = '{_id}'"));
            Assert.NotNull((await Host.CreateAsync(shared.NewId())).Payout);
            Ledger.Form = LedgerForm.Declared;
        }

        Payout? payout = null;
        await Sql.UntilAsync(async () =>
        {
            try
            {
                payout = (await CreateAsync(within: TimeSpan.FromSeconds(10))).Payout;
            }
            catch (WoodyCallException e) when (e.Outcome is WoodyOutcome.NotDone or WoodyOutcome.Unknown)
            {
                // Recovery is at it.
            }

            return payout is not null;
        });

        Assert.Equal((_id, "STARS", 97_500), (payout!.PayoutId, payout.Currency!.SymbolicCode, payout.Amount));
        Assert.Single(Ledger.ListPlans(_id), plan => plan.State == PlanState.Held);
        await AssertNothingIsLeftAsync();

        Task<(Payout? Payout, string? Refusal)> CreateAsync(TimeSpan within) => Host.CreateAsync(
            _id,
            shop: "shop-in-a-long-currency",
            party: "party-odd",
            currency: "STARS",
            change: request => request.Headers.Add("woody.deadline", ThriftTimestamp.Format(TimeProvider.System.GetUtcNow() + within)));
    }

    /// <summary>The hold of a refused create may still arrive, so the next create spends its plan and goes on with another.</summary>
    private void AssertTheRefusedPlanIsSpent() => Assert.Equal(
        [($"payout#2_{_id}", PlanState.Held), ($"payout_{_id}", PlanState.RolledBack)],
        Ledger.ListPlans().Select(plan => (plan.Id, plan.State)).Order());

    private static TheoryData<string> OfAllLengths(string letter, string pair) =>
    [
        .. ((int[])[1, 50, 51, 57, 58, 256]).Select(length => string.Concat(Enumerable.Repeat(letter, length))),
        string.Concat(Enumerable.Repeat(pair, 128)),
    ];

    private static async Task RefusedAsync<T>(Func<Task<T>> call)
    {
        var e = await Assert.ThrowsAsync<WoodyCallException>(call);
        Assert.Equal("500 the ledger refused the payout's plan", e.Message);
    }

    /// <summary>Holds the plan of a payout of 100,000 from shop-1 as the predecessor did, of which the database knows nothing.</summary>
    private async Task<PostingPlan> MovePlanAsync(string id)
    {
        var twin = $"twin-{id.ToUpperInvariant()}";
        await Host.CreateAsync(twin);
        var like = Ledger.ListPlans(twin).Single();
        var batch = new PostingBatch(
            1,
            [
                .. like.Postings.Select(p => new Posting(
                    p.FromId, p.ToId, p.Amount, p.Currency, p.Description.Replace(twin, id, StringComparison.Ordinal))),
            ]);
        await Host.CancelAsync(twin);
        Ledger.Hold(new PostingPlanChange($"payout_{id}", batch));
        return new PostingPlan($"payout_{id}", [batch]);
    }

    /// <summary>No operation is under way, and none will be: nothing is tried for ever.</summary>
    private async Task AssertNothingIsLeftAsync() => Assert.Empty(
        await Sql.QueryAsync(Peers.ConnectionString, "SELECT payout_id FROM pm.payout_operation WHERE kind <> 'spent'"));
}

/// <summary>Every refusal is an HTTP 400 that the contract does not declare.</summary>
public sealed class DeployedLedgerTests(SharedHost shared) : LedgerFormTests(LedgerForm.Deployed, shared), IClassFixture<SharedHost>;

/// <summary>Refusals are the contract's exceptions.</summary>
public sealed class DeclaredLedgerTests(SharedHost shared) : LedgerFormTests(LedgerForm.Declared, shared), IClassFixture<SharedHost>;
