using Microsoft.AspNetCore.Http;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;

namespace PayoutManager.Host.Tests;

/// <summary>What a caller is told when a dependency fails, and what is left behind.</summary>
public sealed class DependencyFaultTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private PostgresPeers _peers = null!;
    private ScriptedPeer _parties = null!;
    private ScriptedPeer _ledger = null!;
    private RunningHost _host = null!;

    public async Task InitializeAsync()
    {
        _peers = await PostgresPeers.StartAsync();
        _parties = await ScriptedPeer.StartAsync();
        _ledger = await ScriptedPeer.StartAsync();
        _host = await RunningHost.StartAsync(
        [
            .. _peers.Configuration,
            ("PartyManagement:Url", _parties.Url.ToString()),
            ("Shumway:Url", _ledger.Url.ToString()),
            ("Recovery:LeaseDuration", "00:00:02"),
            ("Recovery:ScanInterval", "00:00:00.200"),
        ]);
        _parties.Script.Enqueue(ToParties);
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _ledger.DisposeAsync();
        await _parties.DisposeAsync();
        await _peers.DisposeAsync();
        _http.Dispose();
    }

    private Func<HttpContext, Task> ToParties => ScriptedPeer.Forward(_http, _peers.Sandbox.PartyManagementUrl);

    private Func<HttpContext, Task> ToLedger => ScriptedPeer.Forward(_http, _peers.Sandbox.ShumwayUrl);

    [Theory]
    [InlineData(503, "Resource Unavailable", WoodyOutcome.NotDone, "Resource Unavailable")]
    [InlineData(503, null, WoodyOutcome.NotDone, "Resource Unavailable")]
    [InlineData(504, "Result Unknown", WoodyOutcome.NotDone, "Resource Unavailable")]
    [InlineData(500, "Result Unexpected", WoodyOutcome.Failed, "Result Unexpected")]
    [InlineData(400, "Result Unexpected", WoodyOutcome.Failed, "Result Unexpected")]
    public async Task PartyManagement_failing_means_that_nothing_was_done(
        int status, string? answeredClass, WoodyOutcome outcome, string errorClass)
    {
        _parties.Script.Clear();
        _parties.Script.Enqueue(ScriptedPeer.Status(status, answeredClass));

        // Time enough to get there on a busy machine, where there is an answer to wait for; else it is all spent on trying again.
        var seconds = outcome == WoodyOutcome.Failed ? 10 : 1;
        var e = await Assert.ThrowsAsync<WoodyCallException>(() => _host.CreateAsync("p1", change: Within(seconds)));

        Assert.Equal((outcome, errorClass), (e.Outcome, e.ErrorClass));
        Assert.Empty(_ledger.Requests);
        Assert.Empty(_peers.Plans("p1"));
    }

    [Fact]
    public async Task A_ledger_that_is_down_means_503_and_the_same_create_works_later()
    {
        _ledger.Script.Enqueue(ScriptedPeer.Status(503, "Resource Unavailable"));
        var e = await Assert.ThrowsAsync<WoodyCallException>(() => _host.CreateAsync("p1", change: Within(1)));
        Assert.Equal(WoodyOutcome.NotDone, e.Outcome);

        Restore();
        Assert.Equal("p1", (await _host.CreateAsync("p1")).Payout!.PayoutId);
        Assert.Equal([KeyValuePair.Create("payout_p1", PlanState.Held)], _peers.Plans("p1"));
    }

    [Fact]
    public async Task A_ledger_that_is_silent_means_504_and_the_create_goes_back_by_itself()
    {
        _ledger.Script.Enqueue(ScriptedPeer.Silence);
        var e = await Assert.ThrowsAsync<WoodyCallException>(() => _host.CreateAsync("p1", change: Within(5)));
        Assert.Equal((WoodyOutcome.Unknown, "Result Unknown"), (e.Outcome, e.ErrorClass));

        Restore();
        await UntilAsync(() => _peers.Plans("p1").GetValueOrDefault("payout_p1", PlanState.Held) == PlanState.RolledBack);
        Assert.Equal("p1", (await _host.CreateAsync("p1")).Payout!.PayoutId);
        Assert.Equal(PlanState.Held, _peers.Plans("p1")["payout#2_p1"]);
    }

    [Theory]
    [InlineData(500, "Result Unexpected")]
    [InlineData(503, null)]
    public async Task A_ledger_that_fails_or_a_proxy_that_answers_for_it_means_504(int status, string? errorClass)
    {
        _ledger.Script.Enqueue(ScriptedPeer.Status(status, errorClass));
        var e = await Assert.ThrowsAsync<WoodyCallException>(() => _host.CreateAsync("p1", change: Within(5)));

        Assert.Equal((WoodyOutcome.Unknown, "Result Unknown"), (e.Outcome, e.ErrorClass));
    }

    [Fact]
    public async Task A_confirm_whose_answer_was_lost_goes_forward_by_itself()
    {
        Restore();
        await _host.CreateAsync("p1");
        _ledger.Script.Clear();
        _ledger.Script.Enqueue(ScriptedPeer.Forward(_http, _peers.Sandbox.ShumwayUrl, loseAnswer: _ => true));

        var args = new PayoutManagement.InternalStructs.ConfirmPayout_args { PayoutId = "p1" };
        var e = await Assert.ThrowsAsync<WoodyCallException>(() =>
            _host.CallAsync<PayoutManagement.InternalStructs.ConfirmPayout_result>("ConfirmPayout", args, Within(5)));
        Assert.Equal(WoodyOutcome.Unknown, e.Outcome);
        Assert.Equal(PlanState.Committed, _peers.Plans("p1")["payout_p1"]);

        Restore();
        await UntilAsync(() => _host.GetAsync("p1").GetAwaiter().GetResult().Status is PayoutStatus.confirmed);
        Assert.Equal([0, 1], _peers.ReadEvents(2).Select(r => r.Event.SequenceId));
    }

    [Fact]
    public async Task A_plan_that_somebody_else_moved_is_an_unexpected_error()
    {
        Restore();
        await _host.CreateAsync("p1");
        _peers.Sandbox.Accounter.Rollback(_peers.Sandbox.Accounter.GetPlan("payout_p1"));

        var e = await Assert.ThrowsAsync<WoodyCallException>(() => _host.ConfirmAsync("p1"));

        Assert.Equal("500 the ledger refused the payout's plan", e.Message);
        Assert.IsType<PayoutStatus.unpaid>((await _host.GetAsync("p1")).Status);
    }

    [Fact]
    public async Task A_call_s_trace_deadline_and_metadata_reach_the_dependencies()
    {
        Restore();
        await _host.CreateAsync("p1", change: request =>
        {
            request.Headers.Add("woody.trace-id", "my-trace");
            request.Headers.Add("woody.span-id", "my-span");
            request.Headers.Add("woody.parent-id", "my-parent");
            request.Headers.Add("woody.deadline", "2100-01-01T00:00:00.5Z");
            request.Headers.Add("woody.meta.user-identity.realm", "internal");
        });

        Assert.Equal((2, 2), (_parties.Requests.Count, _ledger.Requests.Count));
        Assert.All(_parties.Requests.Concat(_ledger.Requests), request =>
        {
            Assert.Equal(("my-trace", "my-span"), (request.Headers["woody.trace-id"], request.Headers["woody.parent-id"]));
            Assert.Matches("^[0-9a-f]{16}$", request.Headers["woody.span-id"]);
            Assert.Equal("2100-01-01T00:00:00.500Z", request.Headers["woody.deadline"]);
            Assert.Equal("internal", request.Headers["woody.meta.user-identity.realm"]);
        });
    }

    private static Action<HttpRequestMessage> Within(int seconds) => request => request.Headers.Add(
        "woody.deadline", ThriftTimestamp.Format(TimeProvider.System.GetUtcNow().AddSeconds(seconds)));

    private void Restore()
    {
        _ledger.Script.Clear();
        _ledger.Script.Enqueue(ToLedger);
    }

    /// <summary>Waits for what has to come by itself; fails when it has not within a time that no machine needs.</summary>
    private static async Task UntilAsync(Func<bool> isSo)
    {
        for (var i = 0; i < 600 && !isSo(); i++)
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        Assert.True(isSo());
    }
}
