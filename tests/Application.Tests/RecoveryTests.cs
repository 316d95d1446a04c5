using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Tests;

/// <summary>Operations that cannot be finished, and those beside them.</summary>
public sealed class RecoveryTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly World _world = new() { Ledger = { Balance = 1_000_000_000 } };

    [Fact]
    public async Task More_operations_than_are_recovered_at_once_are_finished_in_one_scan()
    {
        await OrphanAsync(count: 512);

        Assert.Equal(512, await _world.Recovery.ScanAsync(None));
        Assert.All(_world.Store.Payouts, payout => Assert.Equal(PayoutState.Confirmed, payout.Status.State));
    }

    [Fact]
    public async Task A_host_recovers_a_bounded_number_at_once()
    {
        await OrphanAsync(count: 200);
        var (atOnce, most) = (0, 0);
        _world.Ledger.BeforeCall = async _ =>
        {
            most = Math.Max(most, ++atOnce);
            await Task.Yield();
            atOnce--;
        };

        Assert.Equal(200, await _world.Recovery.ScanAsync(None));
        Assert.InRange(most, 2, OperationRecovery.AtATime);
    }

    [Fact]
    public async Task The_pauses_after_failed_tries_double_to_five_minutes()
    {
        await OrphanAsync(count: 1);
        Break("payout_p0");
        var pauses = new List<TimeSpan>();
        for (var tries = 0; tries < 10; tries++)
        {
            Assert.Equal(0, await _world.Recovery.ScanAsync(None));
            var failedAt = _world.Clock.GetUtcNow();
            var due = Assert.Single((await _world.Store.ListDueAsync(null, ignorePauses: true, 10, None)).Operations);
            Assert.Equal(tries + 1, due.FailedTries);
            pauses.Add(due.Position.At - failedAt);
            _world.Clock.Advance(pauses[^1]);
        }

        double[] longest = [2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
        for (var n = 0; n < longest.Length; n++)
            Assert.InRange(pauses[n].TotalSeconds, longest[n] * 0.75, longest[n]);
    }

    [Fact]
    public async Task Where_no_answer_comes_the_next_try_is_never_further_off_than_a_lease()
    {
        await OrphanAsync(count: 1);
        _world.Ledger.BeforeCall = method => method == "Answers" ? Task.CompletedTask : throw new OutcomeUnknownException("lost");
        for (var tries = 0; tries < 10; tries++)
        {
            Assert.Equal(0, await _world.Recovery.ScanAsync(None));
            _world.Clock.Advance(TimeSpan.FromSeconds(15));
        }

        Assert.Equal(10, Assert.Single((await _world.Store.ListDueAsync(null, ignorePauses: false, 10, None)).Operations).FailedTries);
    }

    [Fact]
    public async Task Troubled_operations_keep_no_other_from_being_finished()
    {
        await OrphanAsync(count: 600);
        // As if their calls never came back: first they hold slots for a while, then only those of troubled operations.
        var hangs = new TaskCompletionSource();
        var stuck = 0;
        _world.Ledger.BeforeCall = async method =>
        {
            if (method == "Commit" && stuck < 64)
            {
                stuck++;
                await hangs.Task;
            }
        };

        var scan = _world.Recovery.ScanAsync(None);
        Assert.False(scan.IsCompleted);
        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        hangs.SetException(new OutcomeUnknownException("lost"));
        Assert.Equal(600 - 64, await scan);
        Assert.Equal(64, _world.Store.Payouts.Count(payout => payout.Status.State == PayoutState.Unpaid));

        // Now 64 are troubled and hang again, while 512 others are abandoned.
        hangs = new TaskCompletionSource();
        var tries = 0;
        _world.Ledger.BeforeCall = async _ =>
        {
            tries++;
            await hangs.Task;
        };
        _world.Clock.Advance(TimeSpan.FromSeconds(2));
        using var stop = new CancellationTokenSource();
        var running = _world.Recovery.RunAsync(stop.Token);
        Assert.Equal(OperationRecovery.TroubledAtATime, tries);
        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        await OrphanAsync(count: 512, from: 1000);
        bool AreOthersFinished() => _world.Store.Payouts.Count(p => p.Status.State == PayoutState.Unpaid) <= 64;
        // A scan that is still under way when the clock moves on misses that.
        for (var scans = 0; scans < 100 && !AreOthersFinished(); scans++)
        {
            _world.Clock.Advance(TimeSpan.FromSeconds(2));
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }

        Assert.True(AreOthersFinished());
        hangs.SetResult();
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);
    }

    [Fact]
    public async Task A_ledger_that_is_down_makes_no_operation_troubled_and_its_return_ends_all_pauses()
    {
        await OrphanAsync(count: 1);
        Break("payout_p0");
        for (var tries = 0; tries < 8; tries++)
        {
            Assert.Equal(0, await _world.Recovery.ScanAsync(None));
            _world.Clock.Advance(TimeSpan.FromMinutes(5));
        }

        // Now there is an outage. Nothing is tried, and nobody is to blame.
        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        await OrphanAsync(count: 3, from: 10);
        _world.Ledger.BeforeCall = _ => throw new NotDoneException("down");
        for (var scan = 0; scan < 5; scan++)
        {
            Assert.Equal(0, await _world.Recovery.ScanAsync(None));
            _world.Clock.Advance(TimeSpan.FromSeconds(2));
        }

        Assert.Equal(3, (await _world.Store.ListDueAsync(null, ignorePauses: true, 10, None)).Operations.Count(o => o.FailedTries == 0));
        Assert.Equal(5, _world.Ledger.Calls.Count(call => call.StartsWith("Answers", StringComparison.Ordinal)) - 8);

        // It is back, and so is the plan that was the matter.
        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        Assert.Equal(4, await _world.Recovery.ScanAsync(None));
    }

    [Fact]
    public async Task A_caller_does_not_wait_for_the_pause_of_a_troubled_operation()
    {
        await OrphanAsync(count: 1);
        Break("payout_p0");
        Assert.Equal(0, await _world.Recovery.ScanAsync(None));

        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        await _world.ConfirmAsync("p0");
        Assert.Equal(PayoutStatus.Confirmed, (await _world.StoredAsync("p0"))!.Status);
    }

    [Fact]
    public async Task What_is_stored_too_late_for_a_scan_is_found_by_the_next()
    {
        Assert.Equal(0, await _world.Recovery.ScanAsync(None));
        await OrphanAsync(count: 1);
        Assert.Equal(1, await _world.Recovery.ScanAsync(None));
    }

    /// <summary>However long the operation is due already.</summary>
    [Fact]
    public async Task What_could_not_be_taken_over_is_tried_by_the_next_scan()
    {
        await OrphanAsync(count: 1);
        _world.Clock.Advance(TimeSpan.FromSeconds(30));
        _world.Store.Faults.Enqueue((nameof(_world.Store.TakeOverAsync), new NotDoneException("out of reach")));

        Assert.Equal(0, await _world.Recovery.ScanAsync(None));
        Assert.Equal(1, await _world.Recovery.ScanAsync(None));
    }

    /// <summary>Leaves confirms that were begun and not finished.</summary>
    private async Task OrphanAsync(int count, int from = 0)
    {
        for (var n = from; n < from + count; n++)
        {
            await _world.CreateAsync($"p{n}", amount: 100_000);
            _world.Ledger.Fail("Commit", new OutcomeUnknownException("lost"));
            await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.ConfirmAsync($"p{n}"));
        }
    }

    /// <summary>The ledger fails whatever is asked of it but whether it answers, as with a plan that it cannot read.</summary>
    private void Break(string plan) => _world.Ledger.BeforeCall = method => method == "Answers"
        ? Task.CompletedTask
        : throw new OutcomeUnknownException($"Shumway failed plan {plan}: HTTP 500.") { PeerFailed = true };
}
