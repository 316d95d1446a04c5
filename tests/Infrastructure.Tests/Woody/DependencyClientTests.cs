using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PayoutManager.Application.Outcomes;
using PayoutManager.Infrastructure.Shumway;
using PayoutManager.Infrastructure.Woody;
using PayoutManager.Sandbox;
using PayoutManager.Testing;
using PayoutManager.Woody;

namespace PayoutManager.Infrastructure.Tests.Woody;

/// <summary>What becomes of the faults of a dependency whose calls may have an effect, over real HTTP.</summary>
public sealed class DependencyClientTests : IAsyncLifetime
{
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
        _http.Dispose();
        await _peer.DisposeAsync();
        await _sandbox.DisposeAsync();
    }

    [Fact]
    public async Task A_call_is_repeated_until_it_is_answered()
    {
        Enqueue("503 Resource Unavailable", "504 Result Unknown", "500 Result Unexpected", "502");
        _peer.Script.Enqueue(ScriptedPeer.Abort);
        _peer.Script.Enqueue(ToLedger());

        await Ledger().HoldAsync(Payouts.Unpaid("p1").HoldPlan, CancellationToken.None);

        Assert.Equal(6, _peer.Requests.Count);
        Assert.Equal("payout_p1", Assert.Single(_sandbox.Accounter.ListPlans()).Id);
    }

    [Fact]
    public async Task An_answer_that_was_lost_after_it_took_effect_is_asked_for_again()
    {
        var lost = false;
        _peer.Script.Enqueue(ScriptedPeer.Forward(_http, _sandbox.ShumwayUrl, _ => !lost && (lost = true)));

        await Ledger().HoldAsync(Payouts.Unpaid("p1").HoldPlan, CancellationToken.None);

        Assert.Equal(2, _peer.Requests.Count);
        Assert.Equal(10_000_000 - 100_300, _sandbox.Accounter.ListAccounts().Single(a => a.Id == 10).MinAvailableAmount);
    }

    /// <summary>Tries until time is up, and what is known then: that no try had an effect only if that is true of each.</summary>
    [Theory]
    [InlineData(typeof(NotDoneException), "503 Resource Unavailable")]
    [InlineData(typeof(NotDoneException), "503 Resource Unavailable", "502 resource unavailable")]
    [InlineData(typeof(OutcomeUnknownException), "504 Result Unknown")]
    [InlineData(typeof(OutcomeUnknownException), "503")]
    [InlineData(typeof(OutcomeUnknownException), "502", "503 Resource Unavailable")]
    [InlineData(typeof(OutcomeUnknownException), "500 Result Unexpected")]
    [InlineData(typeof(OutcomeUnknownException), "502 Result Unexpected", "503 Resource Unavailable")]
    [InlineData(typeof(OutcomeUnknownException), "503 Resource Unavailable", "404 Result Unexpected")]
    public async Task When_time_is_up_a_call_is_not_done_only_if_no_try_may_have_been(Type expected, params string[] answers)
    {
        Enqueue(answers);
        using var deadline = new CancellationTokenSource();
        var log = new Canceller(deadline, answers.Length);

        await Assert.ThrowsAsync(expected, () => Ledger(log).HoldAsync(Payouts.Unpaid("p1").HoldPlan, deadline.Token));

        Assert.Equal((answers.Length, answers.Length), (_peer.Requests.Count, log.Lines));
    }

    [Theory]
    [InlineData("400 Result Unexpected")]
    [InlineData("503 Resource Unavailable", "400 Result Unexpected")]
    [InlineData("500 Result Unexpected", "504 Result Unknown", "400 result unexpected")]
    public async Task A_refusal_ends_a_call_at_once(params string[] answers)
    {
        Enqueue(answers);

        await Assert.ThrowsAsync<LedgerRefusedException>(() => HoldForAsync(TimeSpan.FromSeconds(60)));

        Assert.Equal(answers.Length, _peer.Requests.Count);
    }

    [Fact]
    public async Task A_connection_that_is_not_made_until_time_is_up_is_not_done()
    {
        using var silent = new HttpClient(WoodyClient.CreateHandler(new HappyEyeballs(
            (_, _) => throw new InvalidOperationException(),
            async (_, token) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                return Stream.Null;
            },
            TimeProvider.System)));
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));

        await Assert.ThrowsAsync<NotDoneException>(() => Ledger(http: silent).HoldAsync(Payouts.Unpaid("p1").HoldPlan, deadline.Token));
    }

    [Fact]
    public async Task A_try_that_could_not_end_in_time_is_not_begun()
    {
        WoodyContext.Current = WoodyContext.NewRoot() with { WorkUntil = TimeProvider.System.GetUtcNow() };
        Enqueue("503 Resource Unavailable");

        await Assert.ThrowsAsync<NotDoneException>(() => HoldForAsync(TimeSpan.FromSeconds(60)));
        Assert.Single(_peer.Requests);
    }

    [Fact]
    public async Task When_time_is_up_during_a_try_it_is_unknown()
    {
        _peer.Script.Enqueue(ScriptedPeer.Silence);
        using var deadline = new CancellationTokenSource();
        var hold = Ledger().HoldAsync(Payouts.Unpaid("p1").HoldPlan, deadline.Token);

        await _peer.AskedAsync(1);
        await deadline.CancelAsync();

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => hold);
    }

    [Fact]
    public async Task When_time_is_up_beforehand_it_is_not_done()
    {
        _peer.Script.Enqueue(ToLedger());
        await Assert.ThrowsAsync<NotDoneException>(() =>
            Ledger().HoldAsync(Payouts.Unpaid("p1").HoldPlan, new CancellationToken(canceled: true)));
        Assert.Empty(_peer.Requests);
    }

    private Func<Microsoft.AspNetCore.Http.HttpContext, Task> ToLedger() => ScriptedPeer.Forward(_http, _sandbox.ShumwayUrl);

    private void Enqueue(params string[] answers)
    {
        foreach (var answer in answers)
            _peer.Script.Enqueue(ScriptedPeer.Status(int.Parse(answer[..3]), answer.Length > 3 ? answer[4..] : null));
    }

    private ShumwayLedger Ledger(ILogger? logger = null, HttpClient? http = null) => new(
        new DependencyClient(
            "Shumway",
            new WoodyClient(http ?? _http, _peer.Url, TimeSpan.FromSeconds(60), TimeProvider.System),
            new DependencyProbe(new DependencyOptions { Url = _peer.Url }, TimeProvider.System),
            TimeProvider.System,
            logger ?? NullLogger.Instance),
        TimeProvider.System);

    private async Task HoldForAsync(TimeSpan time)
    {
        using var deadline = new CancellationTokenSource(time);
        await Ledger().HoldAsync(Payouts.Unpaid("p1").HoldPlan, deadline.Token);
    }

    /// <summary>A log that ends the caller's time with some line, which is written while that try fails.</summary>
    private sealed class Canceller(CancellationTokenSource deadline, int last) : ILogger
    {
        public int Lines { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (++Lines == last)
                deadline.Cancel();
        }
    }
}
