using PayoutManager.Sandbox.Ledger;
using PayoutManager.Thrift.Accounting;
using static PayoutManager.Sandbox.Tests.Ledger.LedgerPeer;

namespace PayoutManager.Sandbox.Tests.Ledger;

/// <summary>Where the two forms answer differently.</summary>
public sealed class FormTests
{
    private static readonly Clock Future = new Clock.vector(new VectorClock([0x7f, 0, 0, 0, 0, 0, 0, 0]));

    [Fact]
    public async Task The_deployed_form_never_answers_a_plan()
    {
        await using var ledger = await StartAsync(LedgerForm.Deployed);
        await ledger.HoldAsync("p", 1, Post(A, B, 5));

        Assert.Equal(new LedgerAnswer(400, "Result Unexpected", "thrift protocol error", ""), await ledger.GetPlanAsync("p"));
        Assert.Equal(LedgerAnswer.Refused, await ledger.GetPlanAsync("unknown"));
    }

    [Fact]
    public async Task The_declared_form_answers_plans()
    {
        await using var ledger = await StartAsync(LedgerForm.Declared);
        await ledger.HoldAsync("p", 1, Post(A, B, 5));
        await ledger.HoldAsync("p", 3, Post(B, A, 1), Post(A, C, 2, description: "e"));

        Assert.Equal(
            new LedgerAnswer(200, null, null, "p: 1: 1001>1002 5 RUB d; 3: 1002>1001 1 RUB d, 1001>1003 2 RUB e"),
            await ledger.GetPlanAsync("p"));
        Assert.Equal(LedgerAnswer.Declared("PlanNotFound", "unknown"), await ledger.GetPlanAsync("unknown"));
    }

    [Fact]
    public async Task The_deployed_form_refuses_unknown_accounts_like_everything_else()
    {
        await using var ledger = await StartAsync(LedgerForm.Deployed);

        Assert.Equal(new LedgerAnswer(200, null, null, "1001 RUB account 1001"), await ledger.GetAccountAsync(A));
        Assert.Equal(LedgerAnswer.Refused, await ledger.GetAccountAsync(9));
        Assert.Equal(LedgerAnswer.Refused, await ledger.GetBalanceAsync(9));
    }

    [Fact]
    public async Task The_declared_form_says_which_account_is_unknown()
    {
        await using var ledger = await StartAsync(LedgerForm.Declared);

        Assert.Equal(new LedgerAnswer(200, null, null, "1001 RUB account 1001"), await ledger.GetAccountAsync(A));
        Assert.Equal(LedgerAnswer.Declared("AccountNotFound", "9"), await ledger.GetAccountAsync(9));
        Assert.Equal(LedgerAnswer.Declared("AccountNotFound", "9"), await ledger.GetBalanceAsync(9));
    }

    [Fact]
    public async Task The_deployed_form_answers_the_latest_clock_and_ignores_the_one_it_is_given()
    {
        await using var ledger = await StartAsync(LedgerForm.Deployed);

        Assert.Equal(LedgerAnswer.Latest, await ledger.HoldAsync("p", 1, Post(A, B, 5)));

        var balance = new LedgerAnswer(200, null, null, "1001: own 0, min -5, max 0, latest");
        Assert.Equal(balance, await ledger.GetBalanceAsync(A));
        Assert.Equal(balance, await ledger.GetBalanceAsync(A, Future));
        Assert.Equal(balance, await ledger.GetBalanceAsync(A, new Clock.vector(new VectorClock([1]))));
    }

    [Fact]
    public async Task The_declared_form_s_clock_rises_with_every_change_and_cannot_be_ahead()
    {
        await using var ledger = await StartAsync(LedgerForm.Declared);
        var held = await ledger.HoldAsync("p", 1, Post(A, B, 5));
        var version = long.Parse(held.Result["vector ".Length..], System.Globalization.CultureInfo.InvariantCulture);

        Assert.Equal(held, await ledger.HoldAsync("p", 1, Post(A, B, 5)));
        Assert.Equal(LedgerAnswer.Vector(version + 1), await ledger.CommitAsync("p", Batch(1, Post(A, B, 5))));
        Assert.Equal(
            new LedgerAnswer(200, null, null, $"1001: own -5, min -5, max -5, vector {version + 1}"), await ledger.GetBalanceAsync(A));
        var ahead = await ledger.GetBalanceAsync(A, Future);
        Assert.Equal((200, "Business Error", "ClockInFuture"), (ahead.Status, ahead.ErrorClass, ahead.Reason));
    }

    [Fact]
    public async Task The_deployed_form_is_the_default()
    {
        await using var sandbox = await SandboxServer.StartAsync("http://127.0.0.1:0");

        Assert.Equal(LedgerForm.Deployed, sandbox.Accounter.Form);
    }

    [Fact]
    public async Task The_form_can_be_changed_while_the_ledger_runs()
    {
        await using var ledger = await StartAsync(LedgerForm.Deployed);
        await ledger.HoldAsync("p", 1, Post(A, B, 5));

        ledger.Sandbox.Accounter.Form = LedgerForm.Declared;

        Assert.Equal(new LedgerAnswer(200, null, null, "p: 1: 1001>1002 5 RUB d"), await ledger.GetPlanAsync("p"));
    }
}
