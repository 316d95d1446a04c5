using PayoutManager.Application.GetPayout;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Application.Tests;

public class StatusChangeTests
{
    private static readonly PayoutId P1 = new("p1");

    private readonly World _world = new();

    [Fact]
    public async Task Confirming_commits_the_hold_and_is_told()
    {
        await _world.CreateAsync();
        await _world.ConfirmAsync();

        Assert.Equal(PayoutStatus.Confirmed, (await _world.StoredAsync())!.Status);
        Assert.Equal(PlanState.Committed, _world.Ledger.Plans["payout_p1"]);
        Assert.Equal([0, 1], _world.Store.Events.Select(e => e.SequenceId));
        Assert.Equal(await _world.StoredAsync(), _world.Store.Events[^1].Payout);
    }

    [Fact]
    public async Task Cancelling_an_unpaid_payout_rolls_its_hold_back()
    {
        await _world.CreateAsync();
        await _world.CancelAsync();

        Assert.Equal(PayoutStatus.Cancelled("why"), (await _world.StoredAsync())!.Status);
        Assert.Equal([("payout_p1", PlanState.RolledBack)], _world.Ledger.Plans.Select(p => (p.Key, p.Value)));
        Assert.Equal([0, 1], _world.Store.Events.Select(e => e.SequenceId));
    }

    [Fact]
    public async Task Cancelling_a_confirmed_payout_reverts_its_money()
    {
        await _world.CreateAsync();
        await _world.ConfirmAsync();
        await _world.CancelAsync();

        Assert.Equal(PlanState.Committed, _world.Ledger.Plans["payout_p1"]);
        Assert.Equal(PlanState.Committed, _world.Ledger.Plans["revert_payout_p1"]);
        Assert.Equal(PayoutStatus.Cancelled("why"), (await _world.StoredAsync())!.Status);
        Assert.Equal([0, 1, 2], _world.Store.Events.Select(e => e.SequenceId));
    }

    [Fact]
    public async Task A_payout_of_the_former_status_paid_can_be_confirmed_and_cancelled()
    {
        foreach (var id in (string[])["p1", "p2"])
        {
            var p = await _world.CreateAsync(id);
            _world.Store.Put(Payout.Restore(
                p.Id, 0, p.CreatedAt, p.PartyId, p.ShopId, p.PayoutToolId, p.CashFlow, p.Amount, p.Fee, PayoutStatus.Paid));
        }

        await _world.ConfirmAsync("p1");
        await _world.CancelAsync("p2");

        Assert.Equal(PlanState.Committed, _world.Ledger.Plans["payout_p1"]);
        Assert.Equal(PlanState.RolledBack, _world.Ledger.Plans["payout_p2"]);
    }

    [Fact]
    public async Task What_is_done_is_not_done_again()
    {
        await _world.CreateAsync();
        await _world.ConfirmAsync();
        _world.Ledger.Calls.Clear();
        await _world.ConfirmAsync();
        Assert.Empty(_world.Ledger.Calls);

        await _world.CancelAsync(details: "first");
        _world.Ledger.Calls.Clear();
        await _world.CancelAsync(details: "second");

        Assert.Empty(_world.Ledger.Calls);
        Assert.Equal(PayoutStatus.Cancelled("first"), (await _world.StoredAsync())!.Status);
        Assert.Equal(3, _world.Store.Events.Count);
    }

    [Fact]
    public async Task A_cancelled_payout_cannot_be_confirmed()
    {
        await _world.CreateAsync();
        await _world.CancelAsync();
        _world.Ledger.Calls.Clear();

        var e = await Assert.ThrowsAsync<InvalidPayoutStateException>(() => _world.ConfirmAsync());
        Assert.Equal("Cannot confirm payout p1: it is cancelled.", e.Message);
        Assert.Empty(_world.Ledger.Calls);
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("")]
    [InlineData("a\0b")]
    public async Task What_is_not_there_is_not_found(string id)
    {
        await Assert.ThrowsAsync<NotFoundException>(() => _world.SendAsync(new GetPayoutQuery(id)));
        await Assert.ThrowsAsync<NotFoundException>(() => _world.ConfirmAsync(id));
        await Assert.ThrowsAsync<NotFoundException>(() => _world.CancelAsync(id));
    }

    [Fact]
    public async Task A_create_under_way_is_not_there_yet()
    {
        var gate = new TaskCompletionSource();
        _world.Ledger.BeforeCall = _ => gate.Task;
        var create = _world.CreateAsync();

        await Assert.ThrowsAsync<NotFoundException>(() => _world.SendAsync(new GetPayoutQuery("p1")));
        await Assert.ThrowsAsync<NotFoundException>(() => _world.ConfirmAsync());
        gate.SetResult();
        Assert.Equal(await create, await _world.SendAsync(new GetPayoutQuery("p1")));
    }

    [Fact]
    public async Task Details_that_cannot_be_stored_are_refused()
    {
        await _world.CreateAsync();

        var e = await Assert.ThrowsAsync<InvalidRequestException>(() => _world.CancelAsync(details: new string('x', 4097)));
        Assert.Equal(["details must be at most 4096 characters, are 4097"], e.Errors);
        await Assert.ThrowsAsync<InvalidRequestException>(() => _world.CancelAsync(details: "\0"));
        Assert.Equal(PayoutStatus.Unpaid, (await _world.StoredAsync())!.Status);
    }

    [Theory]
    [InlineData("Commit", false)]
    [InlineData("Rollback", false)]
    [InlineData("Hold", true)]
    public async Task A_ledger_out_of_reach_means_not_done_and_nothing_under_way(string method, bool confirmed)
    {
        await _world.CreateAsync();
        if (confirmed)
            await _world.ConfirmAsync();
        var before = await _world.StoredAsync();
        _world.Ledger.Fail(method, new NotDoneException("down"));

        await Assert.ThrowsAsync<NotDoneException>(() => method == "Commit" ? _world.ConfirmAsync() : _world.CancelAsync());

        Assert.Equal(0, _world.Store.SpentAttempts(P1));
        Assert.Equal(before, await _world.StoredAsync());
    }

    [Theory]
    [InlineData("Commit", false, false)]
    [InlineData("Commit", true, false)]
    [InlineData("Rollback", true, false)]
    [InlineData("Hold", true, true)]
    [InlineData("Commit", false, true)]
    [InlineData("Commit", true, true)]
    public async Task A_change_whose_answer_was_lost_goes_forward_by_itself(string method, bool afterEffect, bool revert)
    {
        await _world.CreateAsync();
        var confirm = method == "Commit" && !revert;
        if (revert)
            await _world.ConfirmAsync();
        _world.Ledger.Fail(method, new OutcomeUnknownException("lost"), afterEffect);

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => confirm ? _world.ConfirmAsync() : _world.CancelAsync());
        Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));

        Assert.Equal(
            confirm ? PayoutState.Confirmed : PayoutState.Cancelled, (await _world.StoredAsync())!.Status.State);
        Assert.Equal(confirm || revert ? PlanState.Committed : PlanState.RolledBack, _world.Ledger.Plans["payout_p1"]);
        Assert.Equal(revert, _world.Ledger.Plans.GetValueOrDefault("revert_payout_p1", PlanState.Held) == PlanState.Committed);
        Assert.Equal(0, _world.Store.SpentAttempts(P1));
    }

    [Fact]
    public async Task A_revert_that_has_begun_is_not_reported_as_not_done()
    {
        await _world.CreateAsync();
        await _world.ConfirmAsync();
        _world.Ledger.Fail("Commit", new NotDoneException("down"));

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CancelAsync());
        Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));
        Assert.Equal(PlanState.Committed, _world.Ledger.Plans["revert_payout_p1"]);
    }

    [Fact]
    public async Task The_same_call_repeated_after_a_lost_answer_finishes_it()
    {
        await _world.CreateAsync();
        _world.Store.Faults.Enqueue(("ApplyAsync", new NotDoneException("database down")));
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.ConfirmAsync());

        await _world.ConfirmAsync();

        Assert.Equal(PayoutStatus.Confirmed, (await _world.StoredAsync())!.Status);
        Assert.Equal([0, 1], _world.Store.Events.Select(e => e.SequenceId));
    }

    [Fact]
    public async Task A_cancel_after_an_abandoned_confirm_finishes_that_first()
    {
        await _world.CreateAsync();
        _world.Ledger.Fail("Commit", new OutcomeUnknownException("lost"), afterEffect: true);
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.ConfirmAsync());

        await _world.CancelAsync();

        Assert.Equal(PlanState.Committed, _world.Ledger.Plans["payout_p1"]);
        Assert.Equal(PlanState.Committed, _world.Ledger.Plans["revert_payout_p1"]);
        Assert.Equal([0, 1, 2], _world.Store.Events.Select(e => e.SequenceId));
    }

    [Fact]
    public async Task A_plan_that_somebody_else_moved_ends_the_change_without_effect()
    {
        var payout = await _world.CreateAsync();
        _world.Ledger.Move(payout.HoldPlan, PlanState.RolledBack);

        await Assert.ThrowsAsync<LedgerRefusedException>(() => _world.ConfirmAsync());
        Assert.Equal(PayoutStatus.Unpaid, (await _world.StoredAsync())!.Status);
        Assert.Equal(0, _world.Store.SpentAttempts(P1));
    }

    [Fact]
    public async Task A_revert_that_somebody_else_rolled_back_is_made_again_under_another_plan()
    {
        var payout = await _world.CreateAsync();
        await _world.ConfirmAsync();
        _world.Ledger.Move(payout.RevertPlan(1), PlanState.RolledBack);
        _world.Ledger.Move(payout.RevertPlan(2), PlanState.RolledBack);

        await _world.CancelAsync();

        Assert.Equal(PlanState.Committed, _world.Ledger.Plans["revert#3_payout_p1"]);
        Assert.Equal(PayoutState.Cancelled, (await _world.StoredAsync())!.Status.State);
    }

    [Fact]
    public async Task A_revert_that_is_committed_already_is_not_made_twice()
    {
        var payout = await _world.CreateAsync();
        await _world.ConfirmAsync();
        _world.Ledger.Move(payout.RevertPlan(1), PlanState.Committed);

        await _world.CancelAsync();

        Assert.Equal(["payout_p1", "revert_payout_p1"], _world.Ledger.Plans.Keys.Order());
    }

    [Fact]
    public async Task A_revert_that_the_ledger_cannot_hold_is_refused_instead_of_tried_for_ever()
    {
        await _world.CreateAsync();
        await _world.ConfirmAsync();
        _world.Ledger.UnknownAccounts.Add(12);

        await Assert.ThrowsAsync<LedgerRefusedException>(() => _world.CancelAsync());
        Assert.Equal(PayoutState.Confirmed, (await _world.StoredAsync())!.Status.State);
        Assert.Equal(0, _world.Store.SpentAttempts(P1));
    }

    [Fact]
    public async Task A_note_of_spent_plans_is_no_obstacle()
    {
        _world.Ledger.Balance = 0;
        await Assert.ThrowsAsync<InsufficientFundsException>(() => _world.CreateAsync());
        var elsewhere = await new World().CreateAsync();
        _world.Store.Put(elsewhere);
        _world.Ledger.Move(elsewhere.HoldPlan, PlanState.Held);

        await _world.ConfirmAsync();

        Assert.Equal(PlanState.Committed, _world.Ledger.Plans["payout_p1"]);
    }

    [Fact]
    public async Task A_change_that_meets_another_waits_and_then_gives_up()
    {
        await _world.CreateAsync();
        var gate = new TaskCompletionSource();
        _world.Ledger.BeforeCall = _ => gate.Task;
        var confirm = _world.ConfirmAsync();

        await Assert.ThrowsAsync<NotDoneException>(() => _world.PassTimeUntilAsync(_world.CancelAsync()));
        var cancel = _world.CancelAsync();
        gate.SetResult();
        await confirm;
        await _world.PassTimeUntilAsync(cancel);

        Assert.Equal(PayoutState.Cancelled, (await _world.StoredAsync())!.Status.State);
        Assert.Equal(PlanState.Committed, _world.Ledger.Plans["revert_payout_p1"]);
    }

    [Fact]
    public async Task A_sleeper_of_a_confirm_changes_nothing_after_a_take_over()
    {
        await _world.CreateAsync();
        var gate = new TaskCompletionSource();
        _world.Store.Faults.Enqueue((nameof(_world.Store.RenewAsync), new OutcomeUnknownException("asleep")));
        _world.Ledger.BeforeCall = _ => gate.Task;
        var sleeper = _world.ConfirmAsync();
        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        _world.PassLease();

        await _world.CancelAsync();
        gate.SetResult();

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => sleeper);
        Assert.Equal([0, 1, 2], _world.Store.Events.Select(e => e.SequenceId));
        Assert.Equal(PayoutState.Cancelled, (await _world.StoredAsync())!.Status.State);
    }

    [Fact]
    public async Task Recovery_that_fails_tries_again_after_a_pause()
    {
        await _world.CreateAsync();
        _world.Ledger.Fail("Commit", new OutcomeUnknownException("lost"));
        _world.Ledger.Fail("Commit", new NotDoneException("down"));
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.ConfirmAsync());

        Assert.Equal(0, await _world.Recovery.ScanAsync(CancellationToken.None));
        Assert.Null(_world.Store.SpentAttempts(P1));
        Assert.Equal(0, await _world.Recovery.ScanAsync(CancellationToken.None));
        _world.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));
        Assert.Equal(PayoutStatus.Confirmed, (await _world.StoredAsync())!.Status);
    }

    [Fact]
    public async Task Recovery_survives_a_database_out_of_reach()
    {
        await _world.CreateAsync();
        _world.Ledger.Fail("Commit", new OutcomeUnknownException("lost"));
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.ConfirmAsync());
        _world.Store.Faults.Enqueue((nameof(_world.Store.ListDueAsync), new NotDoneException("down")));
        using var stop = new CancellationTokenSource();

        var recovering = _world.Recovery.RunAsync(stop.Token);
        while ((await _world.StoredAsync())!.Status != PayoutStatus.Confirmed)
        {
            await Task.Yield();
            _world.Clock.Advance(TimeSpan.FromMilliseconds(50));
        }

        await stop.CancelAsync();
        await recovering;
    }

    [Fact]
    public void The_defaults_are_those_of_the_promise()
    {
        Assert.Equal(TimeSpan.FromSeconds(15), new OperationOptions().LeaseDuration);
        Assert.Equal(TimeSpan.FromSeconds(2), new OperationOptions().ScanInterval);
    }
}
