using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using PayoutManager.Sandbox.Faults;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;
using PartyCalls = PayoutManager.Thrift.Parties.PartyManagement.InternalStructs;

namespace PayoutManager.Sandbox.Tests;

public sealed class FaultTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private SandboxServer _sandbox = null!;

    public async Task InitializeAsync() => _sandbox = await SandboxServer.StartAsync("http://127.0.0.1:0");

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _sandbox.DisposeAsync();
    }

    [Theory]
    [InlineData(Fault.Unavailable, WoodyOutcome.NotDone, false)]
    [InlineData(Fault.RequestLost, WoodyOutcome.Unknown, false)]
    [InlineData(Fault.AnswerLost, WoodyOutcome.Unknown, true)]
    [InlineData(Fault.Unknown, WoodyOutcome.Unknown, true)]
    [InlineData(Fault.Undeclared, WoodyOutcome.Failed, false)]
    [InlineData(Fault.UndeclaredAfterEffect, WoodyOutcome.Failed, true)]
    public async Task A_call_goes_wrong_as_it_was_told_to(Fault fault, WoodyOutcome outcome, bool done)
    {
        _sandbox.Faults.Settings = new FaultSettings { Rate = 1, Kinds = [fault] };

        var e = await Assert.ThrowsAsync<WoodyCallException>(() => HoldAsync("payout_p1"));

        Assert.Equal(outcome, e.Outcome);
        Assert.Equal(done, _sandbox.Accounter.ListPlans("payout_p1").Any());
        Assert.Equal([(fault, 1)], _sandbox.Faults.Counts.Select(c => (c.Key, c.Value)));
    }

    [Theory]
    [InlineData(Fault.ProxyUnavailable, HttpStatusCode.ServiceUnavailable)]
    [InlineData(Fault.ProxyBadGateway, HttpStatusCode.BadGateway)]
    [InlineData(Fault.ProxyTimeout, HttpStatusCode.GatewayTimeout)]
    public async Task A_proxy_answers_without_a_class_though_the_call_is_done(Fault fault, HttpStatusCode status)
    {
        _sandbox.Faults.Settings = new FaultSettings { Rate = 1, Kinds = [fault] };

        using var answer = await PostHoldAsync();

        Assert.Equal(status, answer.StatusCode);
        Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("woody.", StringComparison.OrdinalIgnoreCase));
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal(PlanState.Held, _sandbox.Accounter.ListPlans("payout_p1").Single().State);
    }

    [Fact]
    public async Task A_connection_is_reset_though_the_call_is_done()
    {
        _sandbox.Faults.Settings = new FaultSettings { Rate = 1, Kinds = [Fault.ConnectionReset] };

        var e = await Assert.ThrowsAsync<HttpRequestException>(PostHoldAsync);

        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(e.GetBaseException()).SocketErrorCode);
        Assert.Equal(PlanState.Held, _sandbox.Accounter.ListPlans("payout_p1").Single().State);
        _sandbox.Faults.Settings = new FaultSettings();
        Assert.NotNull((await HoldAsync("payout_p1")).Success);
    }

    [Fact]
    public async Task The_calls_of_one_method_alone_can_go_wrong()
    {
        _sandbox.Faults.Settings = new FaultSettings { Rate = 1, Kinds = [Fault.Unavailable], Method = "CommitPlan" };

        Assert.NotNull((await HoldAsync("payout_p1")).Success);
        var commit = new Calls.CommitPlan_args
        {
            Plan = new PostingPlan("payout_p1", [new PostingBatch(1, [new Posting(10, 12, 5, "RUB", "x")])]),
        };
        await Assert.ThrowsAsync<WoodyCallException>(() => Client.CallAsync<Calls.CommitPlan_result>("CommitPlan", commit, default));

        Assert.Equal([(Fault.Unavailable, 1)], _sandbox.Faults.Counts.Select(c => (c.Key, c.Value)));
        using var malformed = await _http.PostAsync(_sandbox.ShumwayUrl, Thrift([1, 2, 3]));
        Assert.Equal(HttpStatusCode.BadRequest, malformed.StatusCode);
    }

    [Fact]
    public async Task Only_so_many_calls_go_wrong()
    {
        _sandbox.Faults.Settings = new FaultSettings { Rate = 1, Kinds = [Fault.Unavailable], Count = 2 };

        await Assert.ThrowsAsync<WoodyCallException>(() => HoldAsync("payout_p1"));
        Assert.Equal(1, _sandbox.Faults.Left);
        await Assert.ThrowsAsync<WoodyCallException>(() => HoldAsync("payout_p1"));
        Assert.NotNull((await HoldAsync("payout_p1")).Success);
        Assert.Equal(0, _sandbox.Faults.Left);

        _sandbox.Faults.Settings = _sandbox.Faults.Settings with { Count = 1 };
        await Assert.ThrowsAsync<WoodyCallException>(() => HoldAsync("payout_p1"));
        Assert.NotNull((await HoldAsync("payout_p1")).Success);
    }

    /// <summary>So that a method of the contracts that is added is not forgotten here.</summary>
    [Fact]
    public void Every_method_of_both_services_can_be_named()
    {
        var methods = ((Type[])[typeof(Calls), typeof(PartyCalls)])
            .SelectMany(t => t.GetNestedTypes())
            .Where(t => t.Name.EndsWith("_args", StringComparison.Ordinal))
            .Select(t => t.Name[..^"_args".Length])
            .ToList();

        Assert.Equal(8, methods.Count);
        Assert.All(methods, method => Assert.Null(new FaultSettings { Method = method }.FindFault()));
    }

    [Fact]
    public async Task A_late_call_is_done_though_its_caller_has_given_up()
    {
        _sandbox.Faults.Settings = new FaultSettings { Rate = 1, Kinds = [Fault.Late], LongestDelay = TimeSpan.FromSeconds(1) };
        using var given = new CancellationTokenSource();
        var hold = HoldAsync("payout_p1", given.Token);
        while (_sandbox.Faults.Counts.Count == 0)
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hold);

        while (!_sandbox.Accounter.ListPlans("payout_p1").Any())
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
    }

    [Fact]
    public async Task A_doubled_call_is_done_again_after_the_answer()
    {
        _sandbox.Faults.Settings = new FaultSettings { Rate = 1, Kinds = [Fault.Doubled], LongestDelay = TimeSpan.Zero };

        var result = await HoldAsync("payout_p1");

        Assert.Null(result.E2);
        Assert.Equal(PlanState.Held, _sandbox.Accounter.ListPlans("payout_p1").Single().State);
    }

    [Fact]
    public async Task The_calls_of_one_service_alone_can_go_wrong()
    {
        _sandbox.Faults.Settings = new FaultSettings { Rate = 1, Path = _sandbox.PartyManagementUrl.AbsolutePath };
        Assert.NotNull((await HoldAsync("payout_p1")).Success);

        _sandbox.Faults.Settings = new FaultSettings { Rate = 1, Path = _sandbox.ShumwayUrl.AbsolutePath, Kinds = [Fault.Unavailable] };
        await Assert.ThrowsAsync<WoodyCallException>(() => HoldAsync("payout_p1"));
    }

    [Fact]
    public async Task Faults_are_set_and_counted_over_http()
    {
        var faults = new Uri(_sandbox.Url, "faults");
        var set = await _http.PutAsJsonAsync(faults, new { rate = 1, kinds = (string[])["unavailable"] });
        Assert.Equal(HttpStatusCode.OK, set.StatusCode);
        await Assert.ThrowsAsync<WoodyCallException>(() => HoldAsync("payout_p1"));

        Assert.Contains("\"unavailable\": 1", await _http.GetStringAsync(faults));
        Assert.Equal(new FaultSettings().LongestDelay, _sandbox.Faults.Settings.LongestDelay);
    }

    [Fact]
    public async Task Calls_can_go_wrong_by_what_they_contain()
    {
        _sandbox.Faults.Settings = new FaultSettings { Rate = 1, Kinds = [Fault.Undeclared], Containing = "payout_p1" };

        await HoldAsync("payout_p2");
        await Assert.ThrowsAsync<WoodyCallException>(() => HoldAsync("payout_p1"));
    }

    [Theory]
    [InlineData("""{ "rate": 1.5 }""", "rate must be from 0 to 1, is 1.5")]
    [InlineData("""{ "rate": 1, "kinds": [] }""", "kinds must name at least one of Unavailable")]
    [InlineData("""{ "rate": 1, "path": "/shumway" }""", "path must be one of /v1/processing/partymgmt, /shumpune, is /shumway")]
    [InlineData(
        """{ "rate": 1, "method": "Commit" }""",
        "method must be one of Get, ComputePayoutCashFlow, Hold, CommitPlan, RollbackPlan, GetPlan, GetAccountByID, GetBalanceByID, is Commit")]
    [InlineData("""{ "rate": 1, "containing": "" }""", "containing must not be empty")]
    [InlineData("""{ "rate": 1, "count": 0 }""", "count must be at least 1, is 0")]
    [InlineData("""{ "rate": 1, "kind": ["late"] }""", "any of rate, kinds, path, method, containing, count, longestDelay and latency; kinds are unavailable, requestLost")]
    [InlineData("""{ "rate": 1, "kinds": ["later"] }""", "kinds are unavailable, requestLost, answerLost, unknown, late, doubled")]
    [InlineData("""{ "rate": 1, "kinds": [4] }""", "kinds are unavailable, requestLost")]
    [InlineData("""{ "rate": """, "the body must be an object with any of rate")]
    [InlineData("null", "it is null")]
    [InlineData("""{ "longestDelay": "00:02:00" }""", "longestDelay must be from 00:00:00 to 00:01:00, is 00:02:00")]
    public async Task Settings_that_make_no_sense_are_refused(string settings, string fault)
    {
        var content = new StringContent(settings, Encoding.UTF8, "application/json");
        var answer = await _http.PutAsync(new Uri(_sandbox.Url, "faults"), content);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(fault, await answer.Content.ReadAsStringAsync());
        Assert.Equal(0, _sandbox.Faults.Settings.Rate);
    }

    private WoodyClient Client => new(_http, _sandbox.ShumwayUrl, TimeSpan.FromSeconds(30), TimeProvider.System);

    private Task<Calls.Hold_result> HoldAsync(string plan, CancellationToken token = default) =>
        Client.CallAsync<Calls.Hold_result>("Hold", HoldArgs(plan), token);

    /// <summary>A call without a client that interprets the answer.</summary>
    private Task<HttpResponseMessage> PostHoldAsync() => _http.PostAsync(
        _sandbox.ShumwayUrl, Thrift(ThriftMessage.Serialize(new TMessage("Hold", TMessageType.Call, 1), HoldArgs("payout_p1"))));

    private static Calls.Hold_args HoldArgs(string plan) =>
        new() { PlanChange = new PostingPlanChange(plan, new PostingBatch(1, [new Posting(10, 12, 5, "RUB", "x")])) };

    private static ByteArrayContent Thrift(byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-thrift");
        return content;
    }
}
