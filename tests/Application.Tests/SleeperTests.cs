using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Application.Tests;

/// <summary>
/// A host falls asleep before its first call to the ledger. Meanwhile another takes its create over, and the ledger refuses everything
/// about it, because an account is not opened yet. Then the account is opened, and the sleeper wakes up.
/// </summary>
public sealed class SleeperTests
{
    private const long NotOpenedYet = 12;

    private readonly World _world = new();
    private readonly TaskCompletionSource _awake = new();

    [Fact]
    public async Task Its_hold_does_not_stay()
    {
        var sleeper = await FallAsleepAsync();
        await RefuseAndOpenAsync();

        _awake.SetResult();
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => sleeper);
        Assert.Equal(PlanState.Held, _world.Ledger.Plans["payout_p1"]);

        await _world.Recovery.ScanAsync(CancellationToken.None);

        Assert.Equal(PlanState.RolledBack, _world.Ledger.Plans["payout_p1"]);
        Assert.Empty(_world.Store.Operations);
        Assert.Equal(1, _world.Store.SpentAttempts(new PayoutId("p1")));
    }

    [Theory]
    [InlineData("IntendAsync")]
    [InlineData("ApplyAsync")]
    public async Task The_hold_of_whoever_creates_the_payout_meanwhile_stays(string wakesUpAt)
    {
        var sleeper = await FallAsleepAsync();
        await RefuseAndOpenAsync();
        _world.Store.BeforeCall = method =>
        {
            if (method != wakesUpAt || _awake.Task.IsCompleted)
                return;
            // The sleeper sees too little money, and rolls back what it believes to be its own.
            _world.Ledger.Balance = 0;
            _awake.SetResult();
            Assert.True(SpinWait.SpinUntil(() => sleeper.IsCompleted, TimeSpan.FromSeconds(30)));
            _world.Ledger.Balance = long.MaxValue / 2;
        };

        var payout = await _world.CreateAsync();

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => sleeper);
        Assert.Equal(payout, await _world.StoredAsync());
        Assert.Equal(PlanState.Held, _world.Ledger.Plans[payout.HoldPlan.Id]);
        Assert.Single(_world.Ledger.Plans, plan => plan.Value == PlanState.Held);
    }

    private async Task<Task<Payout>> FallAsleepAsync()
    {
        var asleep = new TaskCompletionSource();
        _world.Ledger.BeforeCall = method => method == "Hold" && asleep.TrySetResult() ? _awake.Task : Task.CompletedTask;
        var sleeper = Task.Run(() => _world.CreateAsync());
        await asleep.Task;
        return sleeper;
    }

    private async Task RefuseAndOpenAsync()
    {
        await _world.Store.ReleaseAsync(_world.Store.Operations.Single().Operation, failure: null, CancellationToken.None);
        _world.Ledger.UnknownAccounts.Add(NotOpenedYet);
        await _world.Recovery.ScanAsync(CancellationToken.None);
        Assert.Empty(_world.Store.Operations);
        _world.Ledger.UnknownAccounts.Clear();
    }
}
