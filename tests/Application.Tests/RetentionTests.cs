using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PayoutManager.Application.Background;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Retention;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Application.Tests;

public sealed class RetentionTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly FakeTimeProvider _clock = new();
    private readonly ScriptedRetention _retention = new();
    private readonly RelayProgress _relay;
    private readonly BackgroundLoops _loops;
    private readonly CancellationTokenSource _stop = new();

    public RetentionTests()
    {
        _relay = new RelayProgress(_clock);
        _loops = new BackgroundLoops(_clock, NullLogger<BackgroundLoops>.Instance, new Random(1));
        Hold(0, 5);
    }

    public void Dispose()
    {
        _stop.Dispose();
        _loops.Dispose();
    }

    [Fact]
    public async Task Page_follows_page_until_the_last_and_then_nothing_for_an_interval()
    {
        _retention.Answers.Enqueue(new PrunedPage(100, IsLast: false));
        _retention.Answers.Enqueue(new PrunedPage(7, IsLast: true));
        _retention.Answers.Enqueue(new PrunedPage(0, IsLast: true));
        var work = RunAsync(new RetentionOptions());

        Assert.Equal(["notes older than 30.00:00:00 of up to 3 attempts, 100"], _retention.Calls);
        await PassAsync(TimeSpan.FromMilliseconds(50));
        Assert.Equal(2, _retention.Calls.Count);
        await PassAsync(TimeSpan.FromSeconds(59));
        Assert.Equal(2, _retention.Calls.Count);
        await PassAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(3, _retention.Calls.Count);
        await EndAsync(work);
    }

    [Fact]
    public async Task Between_two_pages_it_waits_four_times_as_long_as_a_page_has_taken()
    {
        _retention.Answers.Enqueue(new PrunedPage(100, IsLast: false));
        _retention.Answers.Enqueue(new PrunedPage(0, IsLast: true));
        _retention.During = () => _clock.Advance(TimeSpan.FromSeconds(2));
        var work = RunAsync(new RetentionOptions());

        await PassAsync(TimeSpan.FromSeconds(7.9));
        Assert.Single(_retention.Calls);
        await PassAsync(TimeSpan.FromSeconds(0.1));
        Assert.Equal(2, _retention.Calls.Count);
        await EndAsync(work);
    }

    [Fact]
    public async Task What_has_no_period_is_kept()
    {
        _retention.Answers.Enqueue(new PrunedPage(0, IsLast: true));
        await EndAsync(RunAsync(new RetentionOptions { SpentAttempts = TimeSpan.Zero, Events = TimeSpan.FromDays(400) }));

        Assert.Equal(["events older than 400.00:00:00, 100"], _retention.Calls);
        Assert.True(RunAsync(new RetentionOptions { SpentAttempts = TimeSpan.Zero }).IsCompleted);
    }

    [Fact]
    public async Task Only_the_host_that_sends_the_first_lane_deletes()
    {
        Hold(1, 2);
        _retention.Answers.Enqueue(new PrunedPage(0, IsLast: true));
        var work = RunAsync(new RetentionOptions());

        await PassAsync(TimeSpan.FromMinutes(1));
        Assert.Empty(_retention.Calls);
        Hold(0);
        await PassAsync(TimeSpan.FromSeconds(5));
        Assert.Single(_retention.Calls);
        await EndAsync(work);
    }

    [Fact]
    public async Task A_page_that_fails_is_tried_again()
    {
        _retention.Fault = new NotDoneException("down");
        var work = RunAsync(new RetentionOptions());
        Assert.Equal("down", _loops.Failing["retention"].Reason);

        _retention.Fault = null;
        _retention.Answers.Enqueue(new PrunedPage(0, IsLast: true));
        await PassAsync(TimeSpan.FromMilliseconds(100));
        Assert.Empty(_loops.Failing);
        Assert.Equal(2, _retention.Calls.Count);
        await EndAsync(work);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(PlanMoves.MaxNewAttempts)]
    public async Task A_create_whose_note_is_deleted_finds_out_by_itself_which_attempts_are_spent(int attempts)
    {
        var world = await SpentAsync(attempts);
        Assert.Equal(new PrunedPage(1, IsLast: true), await PruneAsync(world));

        var payout = await world.CreateAsync();

        Assert.Equal(attempts + 1, payout.HoldAttempt);
        Assert.Equal(PlanState.Held, world.Ledger.Plans[payout.HoldPlan.Id]);
        Assert.Equal(attempts, world.Ledger.Plans.Count(plan => plan.Value == PlanState.RolledBack));
    }

    /// <summary>Otherwise a create would be refused before it came to an attempt that is not spent.</summary>
    [Fact]
    public async Task A_note_of_more_attempts_than_an_operation_goes_through_stays()
    {
        var world = await SpentAsync(PlanMoves.MaxNewAttempts + 1);

        Assert.Equal(new PrunedPage(0, IsLast: true), await PruneAsync(world));

        Assert.Equal(PlanMoves.MaxNewAttempts + 2, (await world.CreateAsync()).HoldAttempt);
    }

    /// <summary>The ledger rolls a plan back again only with the postings that it knows. Nothing tells it from one that is committed.</summary>
    [Fact]
    public async Task A_create_with_other_postings_whose_note_is_deleted_is_refused_and_holds_nothing()
    {
        var world = await SpentAsync(1);
        await PruneAsync(world);

        await Assert.ThrowsAsync<LedgerRefusedException>(() => world.CreateAsync(amount: 90_000));

        Assert.Equal([PlanState.RolledBack], world.Ledger.Plans.Values);
        Assert.Equal(0, world.Store.SpentAttempts(new PayoutId("p1")));
        Assert.Equal(2, (await world.CreateAsync()).HoldAttempt);
    }

    /// <summary>A payout that was refused for want of money so many times.</summary>
    private static async Task<World> SpentAsync(int attempts)
    {
        var world = new World();
        world.Ledger.Balance = 0;
        for (var i = 0; i < attempts; i++)
            await Assert.ThrowsAsync<InsufficientFundsException>(() => world.CreateAsync());
        world.Ledger.Balance = 1_000_000;
        return world;
    }

    private static Task<PrunedPage> PruneAsync(World world) =>
        world.Store.PruneSpentAttemptsAsync(TimeSpan.FromHours(-1), PlanMoves.MaxNewAttempts, 100, None);

    private void Hold(params int[] lanes) => _relay.Became(RelayState.Nothing with { Lanes = [.. lanes] });

    private Task RunAsync(RetentionOptions options) => new RetentionWork(_retention, _relay, _loops, _clock, options).RunAsync(_stop.Token);

    private async Task PassAsync(TimeSpan time)
    {
        _clock.Advance(time);
        await World.SettleAsync();
    }

    private async Task EndAsync(Task work)
    {
        await _stop.CancelAsync();
        await work;
    }

    private sealed class ScriptedRetention : IRetention
    {
        public List<string> Calls { get; } = [];

        public Queue<PrunedPage> Answers { get; } = [];

        public Exception? Fault { get; set; }

        public Action During { get; set; } = () => { };

        public Task<PrunedPage> PruneSpentAttemptsAsync(TimeSpan age, int mostAttempts, int limit, CancellationToken cancellationToken) =>
            Answer($"notes older than {age} of up to {mostAttempts} attempts, {limit}");

        public Task<PrunedPage> PruneEventsAsync(TimeSpan age, int limit, CancellationToken cancellationToken) =>
            Answer($"events older than {age}, {limit}");

        private Task<PrunedPage> Answer(string call)
        {
            Calls.Add(call);
            During();
            return Fault is null ? Task.FromResult(Answers.Dequeue()) : Task.FromException<PrunedPage>(Fault);
        }
    }
}
