using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Tests;

/// <summary>
/// What each answer of the ledger means for an operation and what follows: every row of the table in
/// <see cref="Operations.PlanMoves"/>, with all calls that are made. The end is what is stored then: the payout's status and attempt, or
/// the spent attempts; "under way" where recovery has to finish it.
/// </summary>
public class LedgerAnswersTests
{
    private const string Created = "Hold payout_p1: ok; Balance: 0";
    private const string Confirmed = Created + "; Commit payout_p1: ok";

    private readonly World _world = new(new ScriptedLedger());

    private ScriptedLedger Ledger => (ScriptedLedger)_world.AnyLedger;

    [Theory]
    [InlineData("Hold payout_p1: ok; Balance: 0", "success", "unpaid 1")]
    [InlineData("Hold payout_p1: refused; Hold payout_p1: ok; Balance: 0", "success", "unpaid 1")]
    // Refused twice and rolled back: spent, so another attempt follows, at most three.
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: ok; Hold payout#2_p1: ok; Balance: 0", "success", "unpaid 2")]
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: refused; Rollback payout_p1: ok; Hold payout#2_p1: ok; Balance: 0", "success", "unpaid 2")]
    [InlineData(
        "Hold payout_p1: refused twice; Rollback payout_p1: ok; Hold payout#2_p1: refused twice; Rollback payout#2_p1: ok; "
        + "Hold payout#3_p1: refused twice; Rollback payout#3_p1: ok; Hold payout#4_p1: refused twice; Rollback payout#4_p1: ok",
        "refused",
        "spent 4")]
    // Refused both ways: committed, or never acceptable. Another plan might pay twice.
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: refused twice", "refused", "spent 0")]
    [InlineData(
        "Hold payout_p1: refused twice; Rollback payout_p1: ok; Hold payout#2_p1: refused twice; Rollback payout#2_p1: refused twice",
        "refused",
        "spent 1")]
    [InlineData("Hold payout_p1: ok; Balance: -1; Rollback payout_p1: ok", "insufficient", "spent 1")]
    [InlineData("Hold payout_p1: ok; Balance: -1; Rollback payout_p1: refused twice", "refused", "spent 0")]
    [InlineData("Hold payout_p1: ok; Balance: refused twice; Rollback payout_p1: ok", "refused", "spent 1")]
    [InlineData("Hold payout_p1: ok; Balance: refused; Balance: 0", "success", "unpaid 1")]
    // No call had an effect: not done, and nothing is left.
    [InlineData("Hold payout_p1: not done", "not done", "spent 0")]
    [InlineData("Hold payout_p1: refused; Hold payout_p1: not done", "not done", "spent 0")]
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: not done", "not done", "spent 0")]
    // One may have had: unknown, whatever went wrong.
    [InlineData("Hold payout_p1: unknown", "unknown", "under way")]
    [InlineData("Hold payout_p1: failed", "unknown", "under way")]
    [InlineData("Hold payout_p1: broken", "unknown", "under way")]
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: unknown", "unknown", "under way")]
    [InlineData("Hold payout_p1: ok; Balance: not done", "unknown", "under way")]
    [InlineData("Hold payout_p1: ok; Balance: failed", "unknown", "under way")]
    [InlineData("Hold payout_p1: ok; Balance: -1; Rollback payout_p1: not done", "unknown", "under way")]
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: ok; Hold payout#2_p1: not done", "unknown", "under way")]
    public async Task Create(string script, string told, string end)
    {
        Ledger.Then(script);

        Assert.Equal(told, await TellAsync(_world.CreateAsync()));

        await AssertEndAsync(end);
    }

    [Theory]
    [InlineData("Hold payout_p1: ok; Rollback payout_p1: ok", "spent 1")]
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: ok", "spent 1")]
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: refused twice", "spent 0")]
    [InlineData("Hold payout_p1: ok; Rollback payout_p1: refused twice", "spent 0")]
    [InlineData("Hold payout_p1: not done", "under way")]
    [InlineData("Hold payout_p1: failed", "under way")]
    [InlineData("Hold payout_p1: ok; Rollback payout_p1: unknown", "under way")]
    public async Task A_create_goes_back(string script, string end)
    {
        Ledger.Then("Hold payout_p1: unknown");
        Assert.Equal("unknown", await TellAsync(_world.CreateAsync()));
        Ledger.Then(script);

        await _world.Recovery.ScanAsync(CancellationToken.None);

        await AssertEndAsync(end);
    }

    [Theory]
    [InlineData("Hold payout_p1: ok; Rollback payout_p1: ok; Hold payout#2_p1: ok; Balance: 0", "success", "unpaid 2")]
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: ok; Hold payout#2_p1: ok; Balance: 0", "success", "unpaid 2")]
    // The old plan could not be spent, since it is committed: a new one would pay a second time.
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: refused twice", "refused", "spent 0")]
    [InlineData("Hold payout_p1: not done", "unknown", "under way")]
    public async Task A_create_takes_over_another(string script, string told, string end)
    {
        Ledger.Then("Hold payout_p1: unknown");
        Assert.Equal("unknown", await TellAsync(_world.CreateAsync()));
        Ledger.Then(script);

        Assert.Equal(told, await TellAsync(_world.CreateAsync()));

        await AssertEndAsync(end);
    }

    /// <summary>The ledger may accept the plan by now, and a call of the create before may still be under way.</summary>
    [Theory]
    [InlineData("Hold payout_p1: ok; Rollback payout_p1: ok; Hold payout#2_p1: ok; Balance: 0", "success", "unpaid 2")]
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: ok; Hold payout#2_p1: ok; Balance: 0", "success", "unpaid 2")]
    [InlineData("Hold payout_p1: ok; Rollback payout_p1: ok; Hold payout#2_p1: ok; Balance: -1; Rollback payout#2_p1: ok", "insufficient", "spent 2")]
    [InlineData("Hold payout_p1: refused twice; Rollback payout_p1: refused twice", "refused", "spent 0")]
    public async Task A_create_follows_one_that_was_refused(string script, string told, string end)
    {
        const string refused = "Hold payout_p1: refused twice; Rollback payout_p1: refused twice";
        Ledger.Then(refused);
        Assert.Equal("refused", await TellAsync(_world.CreateAsync()));
        Ledger.Then("Hold payout_p1: not done");
        Assert.Equal("not done", await TellAsync(_world.CreateAsync()));
        Ledger.Then(script);

        Assert.Equal(told, await TellAsync(_world.CreateAsync()));

        await AssertEndAsync(end);
    }

    [Fact]
    public async Task A_create_that_takes_over_another_goes_on_with_three_new_attempts_at_most()
    {
        Ledger.Then("Hold payout_p1: unknown");
        Assert.Equal("unknown", await TellAsync(_world.CreateAsync()));
        Ledger.Then(
            "Hold payout_p1: ok; Rollback payout_p1: ok; Hold payout#2_p1: refused twice; Rollback payout#2_p1: ok; "
            + "Hold payout#3_p1: refused twice; Rollback payout#3_p1: ok; Hold payout#4_p1: refused twice; Rollback payout#4_p1: ok");

        Assert.Equal("refused", await TellAsync(_world.CreateAsync()));

        await AssertEndAsync("spent 4");
    }

    /// <summary>As a session with a stale view of the table brings it about.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Going_back_touches_nothing_where_a_stored_payout_stands_on_the_plan(bool byTheCaller)
    {
        var payout = await new World().CreateAsync();
        Ledger.Then("Hold payout_p1: unknown");
        Assert.Equal("unknown", await TellAsync(_world.CreateAsync()));
        _world.Store.Put(payout);

        if (byTheCaller)
            Assert.Equal("exists", await TellAsync(_world.CreateAsync()));
        else
            Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));

        await AssertEndAsync("unpaid 1");
        Assert.Equal(0, _world.Store.SpentAttempts(payout.Id));
    }

    [Fact]
    public async Task A_create_that_sees_too_little_money_touches_nothing_where_a_stored_payout_stands_on_the_plan()
    {
        var payout = await new World().CreateAsync();
        _world.Store.BeforeCall = method =>
        {
            if (method == nameof(_world.Store.FindAsync))
                _world.Store.Put(payout);
        };
        Ledger.Then("Hold payout_p1: ok; Balance: -1");

        Assert.Equal("exists", await TellAsync(_world.CreateAsync()));

        await AssertEndAsync("unpaid 1");
    }

    [Theory]
    [InlineData("Commit payout_p1: ok", "success", "confirmed 1")]
    [InlineData("Commit payout_p1: refused; Commit payout_p1: ok", "success", "confirmed 1")]
    [InlineData("Commit payout_p1: refused twice", "refused", "unpaid 1")]
    [InlineData("Commit payout_p1: not done", "not done", "unpaid 1")]
    [InlineData("Commit payout_p1: refused; Commit payout_p1: not done", "not done", "unpaid 1")]
    [InlineData("Commit payout_p1: refused after a lost try; Commit payout_p1: not done", "unknown", "under way")]
    [InlineData("Commit payout_p1: unknown", "unknown", "under way")]
    [InlineData("Commit payout_p1: failed", "unknown", "under way")]
    [InlineData("Commit payout_p1: broken", "unknown", "under way")]
    public async Task Confirm(string script, string told, string end)
    {
        Ledger.Then(Created);
        await _world.CreateAsync();
        Ledger.Then(script);

        Assert.Equal(told, await TellAsync(_world.ConfirmAsync()));

        await AssertEndAsync(end);
    }

    [Theory]
    [InlineData("Commit payout_p1: ok", "confirmed 1")]
    [InlineData("Commit payout_p1: refused twice", "unpaid 1")]
    // Another host's call may have had an effect before: whatever this one's are.
    [InlineData("Commit payout_p1: not done", "under way")]
    public async Task A_confirm_goes_forward(string script, string end)
    {
        Ledger.Then(Created);
        await _world.CreateAsync();
        Ledger.Then("Commit payout_p1: unknown");
        Assert.Equal("unknown", await TellAsync(_world.ConfirmAsync()));
        Ledger.Then(script);

        await _world.Recovery.ScanAsync(CancellationToken.None);

        await AssertEndAsync(end);
    }

    [Theory]
    [InlineData("Rollback payout_p1: ok", "success", "cancelled 1")]
    [InlineData("Rollback payout_p1: refused; Rollback payout_p1: ok", "success", "cancelled 1")]
    [InlineData("Rollback payout_p1: refused twice", "refused", "unpaid 1")]
    [InlineData("Rollback payout_p1: not done", "not done", "unpaid 1")]
    [InlineData("Rollback payout_p1: failed", "unknown", "under way")]
    public async Task Cancel_of_an_unpaid_payout(string script, string told, string end)
    {
        Ledger.Then(Created);
        await _world.CreateAsync();
        Ledger.Then(script);

        Assert.Equal(told, await TellAsync(_world.CancelAsync()));

        await AssertEndAsync(end);
    }

    [Theory]
    [InlineData("Hold revert_payout_p1: ok; Commit revert_payout_p1: ok", "success", "cancelled 1")]
    // Its commit tells, whatever the hold said: it may be committed already.
    [InlineData("Hold revert_payout_p1: refused twice; Commit revert_payout_p1: ok", "success", "cancelled 1")]
    // The ledger holds, and refuses to commit: rolled back, and never another plan.
    [InlineData("Hold revert_payout_p1: ok; Commit revert_payout_p1: refused twice; Rollback revert_payout_p1: ok", "refused", "confirmed 1, 1 spent")]
    [InlineData("Hold revert_payout_p1: ok; Commit revert_payout_p1: refused twice; Rollback revert_payout_p1: refused twice", "refused", "confirmed 1")]
    // Refused both ways, and rolled back: spent, so another attempt follows, three in all.
    [InlineData(
        "Hold revert_payout_p1: refused twice; Commit revert_payout_p1: refused twice; Rollback revert_payout_p1: ok; "
        + "Hold revert#2_payout_p1: ok; Commit revert#2_payout_p1: ok",
        "success",
        "cancelled 1")]
    [InlineData(
        "Hold revert_payout_p1: refused twice; Commit revert_payout_p1: refused twice; Rollback revert_payout_p1: ok; "
        + "Hold revert#2_payout_p1: refused twice; Commit revert#2_payout_p1: refused twice; Rollback revert#2_payout_p1: ok; "
        + "Hold revert#3_payout_p1: refused twice; Commit revert#3_payout_p1: refused twice; Rollback revert#3_payout_p1: ok",
        "refused",
        "confirmed 1, 3 spent")]
    // Refused in every way: committed under another description, or never acceptable.
    [InlineData(
        "Hold revert_payout_p1: refused twice; Commit revert_payout_p1: refused twice; Rollback revert_payout_p1: refused twice",
        "refused",
        "confirmed 1")]
    [InlineData("Hold revert_payout_p1: not done", "not done", "confirmed 1")]
    [InlineData("Hold revert_payout_p1: refused twice; Commit revert_payout_p1: not done", "not done", "confirmed 1")]
    [InlineData("Hold revert_payout_p1: failed", "unknown", "under way")]
    [InlineData("Hold revert_payout_p1: ok; Commit revert_payout_p1: not done", "unknown", "under way")]
    [InlineData("Hold revert_payout_p1: ok; Commit revert_payout_p1: refused twice; Rollback revert_payout_p1: unknown", "unknown", "under way")]
    public async Task Cancel_of_a_confirmed_payout(string script, string told, string end)
    {
        Ledger.Then(Confirmed);
        await _world.CreateAsync();
        await _world.ConfirmAsync();
        Ledger.Then(script);

        Assert.Equal(told, await TellAsync(_world.CancelAsync()));

        await AssertEndAsync(end);
    }

    [Fact]
    public async Task The_next_cancel_begins_after_the_reverts_that_are_spent()
    {
        Ledger.Then(Confirmed);
        await _world.CreateAsync();
        await _world.ConfirmAsync();
        Ledger.Then("Hold revert_payout_p1: ok; Commit revert_payout_p1: refused twice; Rollback revert_payout_p1: ok");
        Assert.Equal("refused", await TellAsync(_world.CancelAsync()));
        Ledger.Then("Hold revert#2_payout_p1: ok; Commit revert#2_payout_p1: ok");

        Assert.Equal("success", await TellAsync(_world.CancelAsync()));

        await AssertEndAsync("cancelled 1");
    }

    /// <summary>Rows that were changed by hand must not keep an operation for ever.</summary>
    [Theory]
    [InlineData(PayoutState.Cancelled)]
    [InlineData(PayoutState.Confirmed)]
    [InlineData(PayoutState.Failed)]
    public async Task A_confirm_that_has_nothing_left_to_do_ends(PayoutState state)
    {
        Ledger.Then(Created);
        var payout = await _world.CreateAsync();
        Ledger.Then("Commit payout_p1: unknown");
        Assert.Equal("unknown", await TellAsync(_world.ConfirmAsync()));
        _world.Store.Put(Payout.Restore(
            payout.Id, 1, payout.CreatedAt, payout.PartyId, payout.ShopId, payout.PayoutToolId, payout.CashFlow, payout.Amount, payout.Fee,
            PayoutStatus.Restore(state, null)));

        Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));

        Assert.Equal(0, _world.Store.SpentAttempts(payout.Id));
        Assert.Equal(state, (await _world.StoredAsync())!.Status.State);
    }

    private static async Task<string> TellAsync(Task call)
    {
        try
        {
            await call;
            return "success";
        }
        catch (Exception e)
        {
            return e switch
            {
                LedgerRefusedException => "refused",
                InsufficientFundsException { Reason: InsufficientFundsReason.NotEnoughMoney } => "insufficient",
                PayoutAlreadyExistsException => "exists",
                NotDoneException => "not done",
                OutcomeUnknownException => "unknown",
                _ => e.ToString(),
            };
        }
    }

    private async Task AssertEndAsync(string end)
    {
        Assert.True(Ledger.IsAtEnd, "The ledger was not asked for everything that the script has.");
        var payout = await _world.StoredAsync();
        var spent = _world.Store.SpentAttempts(new PayoutId("p1"));
        Assert.Equal(end, spent is null ? "under way" : payout is null ? $"spent {spent}" : $"{payout.Status} {payout.HoldAttempt}{(spent > 0 ? $", {spent} spent" : "")}");
    }
}
