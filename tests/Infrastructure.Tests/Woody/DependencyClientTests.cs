using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PayoutManager.Application.Outcomes;
using PayoutManager.Infrastructure.Shumway;
using PayoutManager.Infrastructure.Woody;
using PayoutManager.Sandbox;
using PayoutManager.Testing;
using PayoutManager.Woody;

namespace PayoutManager.Infrastructure.Tests.Woody;

/// <summary>What the ledger's adapter makes of a dependency's faults, over real HTTP.</summary>
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
        _peer.Script.Enqueue(ScriptedPeer.Status(503));
        _peer.Script.Enqueue(ScriptedPeer.Abort);
        _peer.Script.Enqueue(ScriptedPeer.Status(504));
        _peer.Script.Enqueue(ToLedger());

        await Ledger().HoldAsync(Payouts.Unpaid("p1").HoldPlan, CancellationToken.None);

        Assert.Equal(4, _peer.Requests.Count);
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

    [Fact]
    public async Task When_time_is_up_and_no_try_was_done_it_is_not_done()
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(503));
        await Assert.ThrowsAsync<NotDoneException>(() => HoldUntilFirstFailureAsync());
    }

    [Fact]
    public async Task When_time_is_up_and_any_try_may_have_been_done_it_is_unknown()
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(504));
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => HoldUntilFirstFailureAsync());
    }

    [Fact]
    public async Task A_try_that_could_not_end_in_time_is_not_begun()
    {
        WoodyContext.Current = WoodyContext.NewRoot() with { WorkUntil = TimeProvider.System.GetUtcNow() };
        _peer.Script.Enqueue(ScriptedPeer.Status(503));

        await Assert.ThrowsAsync<NotDoneException>(() => HoldForAsync(TimeSpan.FromSeconds(20)));
        Assert.Single(_peer.Requests);
    }

    [Fact]
    public async Task When_time_is_up_during_a_try_it_is_unknown()
    {
        _peer.Script.Enqueue(ScriptedPeer.Silence);
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => HoldForAsync(TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task When_time_is_up_beforehand_it_is_not_done()
    {
        _peer.Script.Enqueue(ToLedger());
        await Assert.ThrowsAsync<NotDoneException>(() =>
            Ledger().HoldAsync(Payouts.Unpaid("p1").HoldPlan, new CancellationToken(canceled: true)));
        Assert.Empty(_peer.Requests);
    }

    [Fact]
    public async Task An_undeclared_error_is_passed_on_at_once()
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(500, "Result Unexpected"));
        var e = await Assert.ThrowsAsync<DependencyFailedException>(() => HoldForAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal("Result Unexpected", e.ErrorClass);
        Assert.Single(_peer.Requests);
    }

    [Fact]
    public async Task A_refusal_by_the_ledger_names_the_plan_and_the_reason()
    {
        _peer.Script.Enqueue(ToLedger());
        var plan = Payouts.Unpaid("p1").HoldPlan;

        var unknown = await Assert.ThrowsAsync<LedgerRefusedException>(() => Ledger().CommitAsync(plan, CancellationToken.None));
        Assert.Equal("The ledger refused plan payout_p1: Posting plan payout_p1 not found", unknown.Message);
        var account = await Assert.ThrowsAsync<LedgerRefusedException>(() =>
            Ledger().GetMinAvailableAmountAsync(4711, new Application.Ports.LedgerClock(null), CancellationToken.None));
        Assert.EndsWith("account 4711 not found", account.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_ledger_is_moved_as_asked()
    {
        _peer.Script.Enqueue(ToLedger());
        var (held, reverted) = (Payouts.Unpaid("p1").HoldPlan, Payouts.Unpaid("p1").RevertPlan(1));

        Assert.Null(await Ledger().FindPlanAsync(held.Id, CancellationToken.None));
        var clock = await Ledger().HoldAsync(held, CancellationToken.None);
        Assert.Equal(8, clock.State!.Length);
        Assert.Equal(10_000_000 - 100_300, await Ledger().GetMinAvailableAmountAsync(10, clock, CancellationToken.None));
        await Ledger().CommitAsync(held, CancellationToken.None);
        await Ledger().HoldAsync(reverted, CancellationToken.None);
        await Ledger().RollbackAsync(reverted, CancellationToken.None);

        Assert.Equal(held.Postings, (await Ledger().FindPlanAsync(held.Id, CancellationToken.None))!.Postings);
        Assert.Equal(["Committed", "RolledBack"], _sandbox.Accounter.ListPlans().Select(p => p.State.ToString()));
    }

    private Func<Microsoft.AspNetCore.Http.HttpContext, Task> ToLedger() => ScriptedPeer.Forward(_http, _sandbox.ShumwayUrl);

    private ShumwayLedger Ledger(TimeProvider? pauses = null, ILogger? logger = null) => new(
        new DependencyClient(
            "Shumway",
            new WoodyClient(_http, _peer.Url, TimeSpan.FromSeconds(20), TimeProvider.System),
            pauses ?? TimeProvider.System,
            logger ?? NullLogger.Instance),
        TimeProvider.System);

    /// <summary>The caller's time is up in the pause after the first try, which standing time makes endless.</summary>
    private async Task HoldUntilFirstFailureAsync()
    {
        using var deadline = new CancellationTokenSource();
        await Ledger(new FakeTimeProvider(), new Canceller(deadline)).HoldAsync(Payouts.Unpaid("p1").HoldPlan, deadline.Token);
    }

    private async Task HoldForAsync(TimeSpan patience)
    {
        using var deadline = new CancellationTokenSource(patience);
        await Ledger().HoldAsync(Payouts.Unpaid("p1").HoldPlan, deadline.Token);
    }

    /// <summary>A log whose first line ends the caller's time.</summary>
    private sealed class Canceller(CancellationTokenSource deadline) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            deadline.Cancel();
    }
}
