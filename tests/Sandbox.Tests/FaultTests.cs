using System.Net;
using System.Net.Http.Json;
using PayoutManager.Sandbox.Faults;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Woody;
using Calls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;

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
    [InlineData(Fault.Undeclared, WoodyOutcome.Unexpected, false)]
    [InlineData(Fault.UndeclaredAfterEffect, WoodyOutcome.Unexpected, true)]
    public async Task A_call_goes_wrong_as_it_was_told_to(Fault fault, WoodyOutcome outcome, bool done)
    {
        _sandbox.Faults.Settings = new FaultSettings { Rate = 1, Kinds = [fault] };

        var e = await Assert.ThrowsAsync<WoodyCallException>(() => HoldAsync("payout_p1"));

        Assert.Equal(outcome, e.Outcome);
        Assert.Equal(done, _sandbox.Accounter.ListPlans("payout_p1").Any());
        Assert.Equal([(fault, 1)], _sandbox.Faults.Counts.Select(c => (c.Key, c.Value)));
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

    [Theory]
    [InlineData("""{ "rate": 1.5 }""", "rate must be from 0 to 1, is 1.5")]
    [InlineData("""{ "rate": 1, "kinds": [] }""", "kinds must name at least one of Unavailable")]
    [InlineData("""{ "longestDelay": "00:02:00" }""", "longestDelay must be from 00:00:00 to 00:01:00, is 00:02:00")]
    public async Task Settings_that_make_no_sense_are_refused(string settings, string fault)
    {
        var content = new StringContent(settings, System.Text.Encoding.UTF8, "application/json");
        var answer = await _http.PutAsync(new Uri(_sandbox.Url, "faults"), content);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(fault, await answer.Content.ReadAsStringAsync());
        Assert.Equal(0, _sandbox.Faults.Settings.Rate);
    }

    private Task<Calls.Hold_result> HoldAsync(string plan, CancellationToken token = default) =>
        new WoodyClient(_http, _sandbox.ShumwayUrl, TimeSpan.FromSeconds(30), TimeProvider.System).CallAsync<Calls.Hold_result>(
            "Hold",
            new Calls.Hold_args { PlanChange = new PostingPlanChange(plan, new PostingBatch(1, [new Posting(10, 12, 5, "RUB", "x")])) },
            token);
}
