using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Infrastructure.Shumway;
using PayoutManager.Infrastructure.Woody;
using PayoutManager.Sandbox;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Base;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;

namespace PayoutManager.Infrastructure.Tests;

/// <summary>What the accounter's answers mean, in the form that its contract declares and in that of the deployed one.</summary>
public sealed class ShumwayLedgerTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _time = new(TimeSpan.FromSeconds(60));
    private static readonly LedgerPlan Plan = Payouts.Unpaid("p1").HoldPlan;
    private static readonly Clock Latest = new Clock.latest(new LatestClock());

    /// <summary>A result whose success is a clock of a kind that does not exist: {0: {3: {}}}.</summary>
    private static readonly byte[] UnknownClock = Convert.FromHexString("0c0000" + "0c0003" + "00" + "00" + "00");

    private readonly HttpClient _http = new(WoodyClient.CreateHandler());
    private ScriptedPeer _peer = null!;
    private SandboxServer _sandbox = null!;

    public async Task InitializeAsync()
    {
        _peer = await ScriptedPeer.StartAsync();
        _sandbox = await SandboxServer.StartAsync("http://127.0.0.1:0");
    }

    public async Task DisposeAsync()
    {
        _time.Dispose();
        _http.Dispose();
        await _peer.DisposeAsync();
        await _sandbox.DisposeAsync();
    }

    [Theory]
    [InlineData("Hold")]
    [InlineData("CommitPlan")]
    [InlineData("RollbackPlan")]
    [InlineData("GetBalanceByID")]
    public async Task A_refusal_of_the_deployed_accounter_is_an_undeclared_400(string method)
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(400, "Result Unexpected", "internal thrift application error"));

        var e = await Assert.ThrowsAsync<LedgerRefusedException>(() => CallAsync(method));

        Assert.EndsWith($"{method}: internal thrift application error", e.Message, StringComparison.Ordinal);
        Assert.Equal(method == "GetBalanceByID" ? "(none)" : "payout_p1", e.PlanId);
        Assert.Single(_peer.Requests);
    }

    [Theory]
    [InlineData("Hold")]
    [InlineData("CommitPlan")]
    [InlineData("RollbackPlan")]
    public async Task A_refusal_by_the_contract_is_a_declared_exception(string method)
    {
        var wrong = new InvalidPostingParams(new() { [new Posting(10, 12, 5, "RUB", "x")] = "no such account" });
        _peer.Script.Enqueue(ScriptedPeer.Reply(Result(method, wrong)));
        var e = await Assert.ThrowsAsync<LedgerRefusedException>(() => CallAsync(method));
        Assert.Equal("The ledger refused plan payout_p1: 10 -> 12: no such account", e.Message);

        _peer.Script.Clear();
        _peer.Script.Enqueue(ScriptedPeer.Reply(Result(method, new InvalidRequest(["no such plan", "no luck"]))));
        e = await Assert.ThrowsAsync<LedgerRefusedException>(() => CallAsync(method));
        Assert.Equal("The ledger refused plan payout_p1: no such plan; no luck", e.Message);

        Assert.Equal(2, _peer.Requests.Count);
    }

    [Fact]
    public async Task An_unknown_account_is_a_refusal()
    {
        _peer.Script.Enqueue(ScriptedPeer.Reply(new Calls.GetBalanceByID_result { E1 = new AccountNotFound(10) }));

        var e = await Assert.ThrowsAsync<LedgerRefusedException>(() => CallAsync("GetBalanceByID"));

        Assert.EndsWith("account 10 not found", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Hold")]
    [InlineData("CommitPlan")]
    [InlineData("RollbackPlan")]
    public async Task A_success_that_cannot_be_read_is_asked_for_again(string method)
    {
        _peer.Script.Enqueue(ScriptedPeer.Reply(Result(method, null)));
        _peer.Script.Enqueue(ScriptedPeer.ReplyBytes(call => Reply(call, UnknownClock)));
        _peer.Script.Enqueue(ScriptedPeer.Status(500, "Result Unexpected"));
        _peer.Script.Enqueue(ScriptedPeer.Reply(Result(method, Latest)));

        await CallAsync(method);

        Assert.Equal(4, _peer.Requests.Count);
    }

    [Fact]
    public async Task A_success_that_can_never_be_read_is_unknown()
    {
        foreach (var answer in (Func<HttpContext, Task>[])
        [
            ScriptedPeer.Reply(new Calls.Hold_result()),
            ScriptedPeer.ReplyBytes(call => Reply(call, UnknownClock)),
        ])
        {
            _peer.Script.Clear();
            _peer.Script.Enqueue(answer);
            using var deadline = new CancellationTokenSource();
            var hold = Ledger().HoldAsync(Plan, deadline.Token);

            await _peer.AskedAsync(_peer.Requests.Count + 2);
            await deadline.CancelAsync();

            await Assert.ThrowsAsync<OutcomeUnknownException>(() => hold);
        }
    }

    [Fact]
    public async Task A_balance_is_asked_for_at_the_clock_of_the_hold()
    {
        _peer.Script.Enqueue(ScriptedPeer.Reply(new Calls.Hold_result { Success = Latest }));
        _peer.Script.Enqueue(ScriptedPeer.Reply(new Calls.GetBalanceByID_result { E2 = new ClockInFuture() }));
        _peer.Script.Enqueue(ScriptedPeer.Reply(new Calls.GetBalanceByID_result { Success = new Balance(10, 7, 9, -3, Latest) }));

        var clock = await Ledger().HoldAsync(Plan, _time.Token);
        Assert.Equal(-3, await Ledger().GetMinAvailableAmountAsync(10, clock, _time.Token));

        Assert.Equal(3, _peer.Requests.Count);
        var asked = ThriftMessage.Open(_peer.Requests.Last().Body).ReadBody<Calls.GetBalanceByID_args>();
        Assert.IsType<Clock.latest>(asked.Clock);
    }

    [Theory]
    [InlineData(LedgerForm.Declared, "Plan payout_p1 is unknown", "account 4711 not found")]
    [InlineData(LedgerForm.Deployed, "CommitPlan: internal thrift application error", "GetBalanceByID: internal thrift application error")]
    public async Task A_refusal_by_the_ledger_names_the_plan_and_the_reason(LedgerForm form, string unknownPlan, string unknownAccount)
    {
        _sandbox.Accounter.Form = form;
        _peer.Script.Enqueue(ScriptedPeer.Forward(_http, _sandbox.ShumwayUrl));
        var plan = Payouts.Unpaid("p1").HoldPlan;

        var unknown = await Assert.ThrowsAsync<LedgerRefusedException>(() => Ledger().CommitAsync(plan, _time.Token));
        Assert.Equal($"The ledger refused plan payout_p1: {unknownPlan}", unknown.Message);
        var account = await Assert.ThrowsAsync<LedgerRefusedException>(() =>
            Ledger().GetMinAvailableAmountAsync(4711, new LedgerClock(null), _time.Token));
        Assert.EndsWith(unknownAccount, account.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LedgerForm.Declared, 8)]
    [InlineData(LedgerForm.Deployed, null)]
    public async Task The_ledger_is_moved_as_asked(LedgerForm form, int? clockLength)
    {
        _sandbox.Accounter.Form = form;
        _peer.Script.Enqueue(ScriptedPeer.Forward(_http, _sandbox.ShumwayUrl));
        var (held, reverted) = (Payouts.Unpaid("p1").HoldPlan, Payouts.Unpaid("p1").RevertPlan(1));

        var clock = await Ledger().HoldAsync(held, _time.Token);
        Assert.Equal(clockLength, clock.State?.Length);
        Assert.Equal(10_000_000 - 100_300, await Ledger().GetMinAvailableAmountAsync(10, clock, _time.Token));
        await Ledger().CommitAsync(held, _time.Token);
        await Ledger().HoldAsync(reverted, _time.Token);
        await Ledger().RollbackAsync(reverted, _time.Token);

        Assert.Equal(["Committed", "RolledBack"], _sandbox.Accounter.ListPlans().Select(p => p.State.ToString()));
    }

    private static TBase Result(string method, object? part) => (method, part) switch
    {
        // A part that is set to null is written as one that is there.
        ("Hold", Clock clock) => new Calls.Hold_result { Success = clock },
        ("Hold", InvalidPostingParams e1) => new Calls.Hold_result { E1 = e1 },
        ("Hold", InvalidRequest e2) => new Calls.Hold_result { E2 = e2 },
        ("CommitPlan", Clock clock) => new Calls.CommitPlan_result { Success = clock },
        ("CommitPlan", InvalidPostingParams e1) => new Calls.CommitPlan_result { E1 = e1 },
        ("CommitPlan", InvalidRequest e2) => new Calls.CommitPlan_result { E2 = e2 },
        ("RollbackPlan", Clock clock) => new Calls.RollbackPlan_result { Success = clock },
        ("RollbackPlan", InvalidPostingParams e1) => new Calls.RollbackPlan_result { E1 = e1 },
        ("RollbackPlan", InvalidRequest e2) => new Calls.RollbackPlan_result { E2 = e2 },
        _ => new Calls.Hold_result(),
    };

    /// <summary>The message of a reply around the bytes of a result.</summary>
    private static byte[] Reply(TMessage call, byte[] result)
    {
        var empty = ThriftMessage.Serialize(new TMessage(call.Name, TMessageType.Reply, call.SeqID), new Calls.Hold_result());
        return [.. empty[..^1], .. result];
    }

    private Task CallAsync(string method) => method switch
    {
        "Hold" => Ledger().HoldAsync(Plan, _time.Token),
        "CommitPlan" => Ledger().CommitAsync(Plan, _time.Token),
        "RollbackPlan" => Ledger().RollbackAsync(Plan, _time.Token),
        _ => Ledger().GetMinAvailableAmountAsync(10, new LedgerClock(null), _time.Token),
    };

    private ShumwayLedger Ledger() => new(
        new DependencyClient(
            "Shumway",
            new WoodyClient(_http, _peer.Url, TimeSpan.FromSeconds(60), TimeProvider.System),
            new DependencyProbe(new DependencyOptions { Url = _peer.Url }, TimeProvider.System),
            TimeProvider.System,
            NullLogger.Instance),
        TimeProvider.System);
}
