using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Application.Tests;

public class CreatePayoutTests
{
    private readonly World _world = new();

    [Fact]
    public async Task A_payout_is_held_stored_and_told()
    {
        var payout = await _world.CreateAsync();

        Assert.Equal(new Cash(97_500, new Currency("RUB")), payout.Amount);
        Assert.Equal(PayoutStatus.Unpaid, payout.Status);
        Assert.Equal("tool-1", payout.PayoutToolId!.Value);
        Assert.Equal(payout, await _world.StoredAsync());
        Assert.Equal([("payout_p1", PlanState.Held)], _world.Ledger.Plans.Select(p => (p.Key, p.Value)));
        Assert.Equal([PayoutEvent.OfLatestChange(payout, _world.Clock.GetUtcNow())], _world.Store.Events);
        Assert.Equal(0, _world.Store.SpentAttempts(payout.Id));
    }

    [Fact]
    public async Task The_terms_are_those_of_the_instant_of_creation()
    {
        var payout = await _world.CreateAsync(tool: "tool-2");

        Assert.Equal((new Cash(100_000, new Currency("RUB")), "tool-2"), (_world.Parties.Asked!.Value.Cash, _world.Parties.Asked.Value.Tool.Value));
        Assert.Equal(_world.Clock.GetUtcNow(), _world.Parties.Asked.Value.Timestamp);
        Assert.Equal(1_234_560, payout.CreatedAt.Ticks % TimeSpan.TicksPerSecond);
        Assert.Equal("tool-2", payout.PayoutToolId!.Value);
    }

    [Fact]
    public async Task Without_an_id_each_create_makes_a_uuid()
    {
        var (first, second) = (await _world.CreateAsync(id: null), await _world.CreateAsync(id: null));

        Assert.True(Guid.TryParseExact(first.Id.Value, "D", out _));
        Assert.NotEqual(first.Id, second.Id);
    }

    [Fact]
    public async Task Malformed_parameters_are_refused_with_all_that_is_wrong()
    {
        var e = await Assert.ThrowsAsync<InvalidRequestException>(() =>
            _world.CreateAsync(id: "a\nb", amount: -1, shop: "", party: new string('p', 257), currency: "rub", tool: ""));

        Assert.Equal(
            [
                "party_id must be at most 256 characters, is 257",
                "shop_id must not be empty",
                "currency must be 3 to 8 characters A–Z or 0–9",
                "payout_id must not contain control characters or unpaired surrogates",
                "payout_tool_id must not be empty",
            ],
            e.Errors);
    }

    /// <summary>Each row breaks one rule and every later one, as far as they can be broken together.</summary>
    [Theory]
    [InlineData("p1", 0, "shop-gone", "party-gone", "USD", typeof(InsufficientFundsException))]
    [InlineData("p1", -5, "shop-gone", "party-gone", "USD", typeof(InsufficientFundsException))]
    [InlineData("taken", 100, "shop-gone", "party-gone", "USD", typeof(PayoutAlreadyExistsException))]
    [InlineData("p1", 100, "shop-gone", "party-gone", "USD", typeof(NotFoundException))]
    [InlineData("p1", 100, "shop-gone", "party-1", "USD", typeof(NotFoundException))]
    [InlineData("p1", 100, "shop-without-tool", "party-1", "RUB", typeof(InvalidRequestException))]
    [InlineData("p1", 100, "shop-without-account", "party-1", "USD", typeof(InvalidRequestException))]
    [InlineData("p1", 100, "shop-without-contract", "party-1", "USD", typeof(InvalidRequestException))]
    [InlineData("p1", 100, "shop-without-contract", "party-1", "RUB", typeof(NotFoundException))]
    [InlineData("p1", 100, "shop-with-unknown-tool", "party-1", "RUB", typeof(NotFoundException))]
    [InlineData("p1", 100, "shop-without-terms", "party-1", "RUB", typeof(NotFoundException))]
    [InlineData("p1", 2_500, "shop-1", "party-1", "RUB", typeof(InsufficientFundsException))]
    [InlineData("p1", 2_000_000, "shop-1", "party-1", "RUB", typeof(InsufficientFundsException))]
    public async Task Refusals_come_in_the_order_of_the_contract(
        string id, long amount, string shop, string party, string currency, Type refusal)
    {
        await _world.CreateAsync("taken");

        await Assert.ThrowsAsync(refusal, () => _world.CreateAsync(id, amount, shop, party, currency));

        Assert.Null(await _world.StoredAsync("p1"));
        Assert.Single(_world.Store.Events);
        Assert.DoesNotContain("payout_p1", _world.Ledger.Plans.Where(p => p.Value == PlanState.Held).Select(p => p.Key));
    }

    [Fact]
    public async Task A_shop_that_cannot_pay_this_out_is_told_everything_that_is_wrong()
    {
        var nothing = await Assert.ThrowsAsync<InvalidRequestException>(() => _world.CreateAsync(shop: "shop-without-anything"));
        var currency = await Assert.ThrowsAsync<InvalidRequestException>(() => _world.CreateAsync(shop: "shop-without-tool", currency: "USD"));

        Assert.Equal(
            [
                "payout_tool_id must be given: shop shop-without-anything has none of its own",
                "shop_id shop-without-anything has no account",
            ],
            nothing.Errors);
        Assert.Equal(
            [
                "payout_tool_id must be given: shop shop-without-tool has none of its own",
                "currency must be RUB, that of the account of shop shop-without-tool, is USD",
            ],
            currency.Errors);
    }

    [Fact]
    public async Task Insufficient_funds_leave_no_hold_and_the_id_can_be_used_once_there_is_money()
    {
        _world.Ledger.Balance = 99_999;
        await Assert.ThrowsAsync<InsufficientFundsException>(() => _world.CreateAsync());
        Assert.Equal([("payout_p1", PlanState.RolledBack)], _world.Ledger.Plans.Select(p => (p.Key, p.Value)));
        Assert.Equal(1, _world.Store.SpentAttempts(new PayoutId("p1")));

        await Assert.ThrowsAsync<InsufficientFundsException>(() => _world.CreateAsync());
        Assert.Equal(2, _world.Store.SpentAttempts(new PayoutId("p1")));

        _world.Ledger.Balance = 100_000;
        var payout = await _world.CreateAsync();

        Assert.Equal(3, payout.HoldAttempt);
        Assert.Equal(PlanState.Held, _world.Ledger.Plans["payout#3_p1"]);
        Assert.Equal(PlanState.RolledBack, _world.Ledger.Plans["payout#2_p1"]);
        Assert.Equal(0, _world.Store.SpentAttempts(payout.Id));
    }

    [Fact]
    public async Task An_id_of_our_own_that_came_to_nothing_is_forgotten()
    {
        _world.Ledger.Balance = 0;
        await Assert.ThrowsAsync<InsufficientFundsException>(() => _world.CreateAsync(id: null));

        var id = Assert.Single(_world.Ledger.Plans).Key["payout_".Length..];
        Assert.Equal(0, _world.Store.SpentAttempts(new PayoutId(id)));
    }

    [Fact]
    public async Task A_dependency_out_of_reach_before_the_hold_means_not_done()
    {
        _world.Parties.Fault = new NotDoneException("down");

        await Assert.ThrowsAsync<NotDoneException>(() => _world.CreateAsync());
        Assert.Empty(_world.Ledger.Calls);
    }

    [Fact]
    public async Task A_hold_that_was_not_done_leaves_nothing()
    {
        _world.Ledger.Fail("Hold", new NotDoneException("down"));

        await Assert.ThrowsAsync<NotDoneException>(() => _world.CreateAsync());
        Assert.Equal(0, _world.Store.SpentAttempts(new PayoutId("p1")));
        Assert.Equal(1, (await _world.CreateAsync()).HoldAttempt);
    }

    [Fact]
    public async Task A_hold_that_was_not_done_keeps_the_note_of_earlier_attempts()
    {
        _world.Ledger.Balance = 0;
        await Assert.ThrowsAsync<InsufficientFundsException>(() => _world.CreateAsync());
        _world.Ledger.Fail("Hold", new NotDoneException("down"));
        await Assert.ThrowsAsync<NotDoneException>(() => _world.CreateAsync());

        Assert.Equal(1, _world.Store.SpentAttempts(new PayoutId("p1")));
    }

    [Fact]
    public async Task A_refused_hold_is_not_tried_under_another_plan()
    {
        // A plan that is committed may be of a payout that this database has lost: another plan would pay twice.
        var other = new World();
        _world.Ledger.Move((await other.CreateAsync()).HoldPlan, PlanState.Committed);

        await Assert.ThrowsAsync<LedgerRefusedException>(() => _world.CreateAsync());
        await Assert.ThrowsAsync<LedgerRefusedException>(() => _world.CreateAsync());

        Assert.Equal([("payout_p1", PlanState.Committed)], _world.Ledger.Plans.Select(p => (p.Key, p.Value)));
        Assert.Equal(0, _world.Store.SpentAttempts(new PayoutId("p1")));
    }

    [Fact]
    public async Task An_account_that_the_ledger_does_not_know_leaves_no_hold()
    {
        _world.Ledger.Fail("GetBalance", new LedgerRefusedException("(none)", "account 10 not found"));
        _world.Ledger.Fail("GetBalance", new LedgerRefusedException("(none)", "account 10 not found"));

        await Assert.ThrowsAsync<LedgerRefusedException>(() => _world.CreateAsync());
        Assert.Equal(PlanState.RolledBack, _world.Ledger.Plans["payout_p1"]);
        Assert.Equal(1, _world.Store.SpentAttempts(new PayoutId("p1")));
    }

    [Theory]
    [InlineData("Hold", true, typeof(OutcomeUnknownException))]
    [InlineData("Hold", false, typeof(OutcomeUnknownException))]
    [InlineData("GetBalance", false, typeof(NotDoneException))]
    [InlineData("GetBalance", false, typeof(OutcomeUnknownException))]
    public async Task A_create_that_is_not_finished_goes_back_by_itself(string method, bool afterEffect, Type fault)
    {
        _world.Ledger.Fail(method, (Exception)Activator.CreateInstance(fault, "lost", null)!, afterEffect);

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync());
        Assert.Null(_world.Store.SpentAttempts(new PayoutId("p1")));

        Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));
        Assert.Equal([("payout_p1", PlanState.RolledBack)], _world.Ledger.Plans.Select(p => (p.Key, p.Value)));
        Assert.Equal(1, _world.Store.SpentAttempts(new PayoutId("p1")));
        Assert.Null(await _world.StoredAsync());
        Assert.Empty(_world.Store.Events);
    }

    [Fact]
    public async Task Going_back_holds_first_so_that_a_delayed_hold_cannot_come_to_life()
    {
        _world.Ledger.Fail("Hold", new OutcomeUnknownException("lost"));
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync());
        _world.Ledger.Calls.Clear();

        await _world.Recovery.ScanAsync(CancellationToken.None);

        Assert.Equal(["Hold payout_p1", "Rollback payout_p1"], _world.Ledger.Calls);
    }

    [Fact]
    public async Task The_same_create_repeated_after_a_crash_finishes_under_a_new_plan()
    {
        _world.Ledger.Fail("GetBalance", new OutcomeUnknownException("lost"));
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync());

        var payout = await _world.CreateAsync();

        Assert.Equal(2, payout.HoldAttempt);
        Assert.Equal(PlanState.RolledBack, _world.Ledger.Plans["payout_p1"]);
        Assert.Equal(PlanState.Held, _world.Ledger.Plans["payout#2_p1"]);
        Assert.Equal(payout, await _world.StoredAsync());
    }

    [Fact]
    public async Task Another_create_of_the_same_id_does_not_take_an_abandoned_one_over()
    {
        _world.Ledger.Fail("GetBalance", new OutcomeUnknownException("lost"));
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync());

        await Assert.ThrowsAsync<PayoutAlreadyExistsException>(() => _world.CreateAsync(amount: 100_001));
    }

    [Fact]
    public async Task A_create_that_meets_another_waits_for_it_and_sees_what_came_of_it()
    {
        var gate = new TaskCompletionSource();
        _world.Ledger.BeforeCall = _ => gate.Task;
        var first = _world.CreateAsync();
        var second = _world.CreateAsync();
        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        gate.SetResult();

        await first;
        await Assert.ThrowsAsync<PayoutAlreadyExistsException>(() => _world.PassTimeUntilAsync(second));
        Assert.Single(_world.Ledger.Plans);
    }

    [Fact]
    public async Task A_create_that_meets_another_does_not_wait_for_ever()
    {
        var gate = new TaskCompletionSource();
        _world.Ledger.BeforeCall = _ => gate.Task;
        var first = _world.CreateAsync();

        await Assert.ThrowsAsync<NotDoneException>(() => _world.PassTimeUntilAsync(_world.CreateAsync()));

        gate.SetResult();
        await first;
        Assert.Single(_world.Ledger.Plans);
    }

    [Fact]
    public async Task A_sleeper_that_wakes_up_after_a_take_over_changes_nothing()
    {
        var gate = new TaskCompletionSource();
        _world.Ledger.Balance = 0;
        _world.Ledger.BeforeCall = method => method == "GetBalance" ? gate.Task : Task.CompletedTask;
        _world.Store.Faults.Enqueue(("RenewAsync", new OutcomeUnknownException("asleep")));
        var sleeper = _world.CreateAsync();

        // The host sleeps through its lease: time jumps, so no renewal comes in between.
        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        _world.Ledger.Balance = 1_000_000;
        _world.PassLease();
        var payout = await _world.CreateAsync();
        _world.Ledger.Balance = 0;
        gate.SetResult();

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => sleeper);
        Assert.Equal(2, payout.HoldAttempt);
        Assert.Equal(PlanState.Held, _world.Ledger.Plans["payout#2_p1"]);
        Assert.Equal(PlanState.RolledBack, _world.Ledger.Plans["payout_p1"]);
        Assert.Equal(payout, await _world.StoredAsync());
    }

    [Fact]
    public async Task A_lease_is_renewed_while_its_caller_waits()
    {
        var gate = new TaskCompletionSource();
        _world.Ledger.BeforeCall = _ => gate.Task;
        var slow = _world.CreateAsync();

        for (var second = 0; second < 60; second++)
        {
            _world.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
            Assert.Equal(0, await _world.Recovery.ScanAsync(CancellationToken.None));
        }

        gate.SetResult();
        Assert.Equal(1, (await slow).HoldAttempt);
    }

    [Fact]
    public async Task A_deadline_in_the_middle_leaves_the_operation_to_recovery()
    {
        using var deadline = new CancellationTokenSource();
        _world.Ledger.BeforeCall = async method =>
        {
            if (method == "GetBalance")
            {
                await deadline.CancelAsync();
                throw new OperationCanceledException(deadline.Token);
            }
        };

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync(token: deadline.Token));
        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));
        Assert.Equal(PlanState.RolledBack, _world.Ledger.Plans["payout_p1"]);
    }

    [Fact]
    public async Task A_change_that_cannot_be_applied_is_undone()
    {
        _world.Store.Faults.Enqueue(("ApplyAsync", new NotDoneException("database down")));

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync());
        await _world.Recovery.ScanAsync(CancellationToken.None);

        Assert.Equal(PlanState.RolledBack, _world.Ledger.Plans["payout_p1"]);
        Assert.Null(await _world.StoredAsync());
    }

    [Fact]
    public void Every_create_has_an_owner_of_its_own() =>
        Assert.NotEqual(Operations.Operation.NewOwner(), Operations.Operation.NewOwner());
}
