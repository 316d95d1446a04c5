using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Telemetry;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Application.Tests;

/// <summary>What a caller is told is so, also where something fails that nobody thought of.</summary>
public class OutcomeTests
{
    private static readonly PayoutId P1 = new("p1");

    private readonly World _world = new();

    /// <summary>The database's failures, and one of no kind that is known.</summary>
    public static TheoryData<Exception> Failures =>
    [
        new NotDoneException("The database cannot be reached."),
        new OutcomeUnknownException("The database was lost during a write."),
        new InvalidOperationException("an error that nobody thought of"),
        new OperationCanceledException(),
    ];

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_create_whose_apply_fails_is_unknown_and_goes_back(Exception failure)
    {
        _world.Store.Faults.Enqueue((nameof(_world.Store.ApplyAsync), failure));

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync());
        Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));

        Assert.Equal([("payout_p1", PlanState.RolledBack)], _world.Ledger.Plans.Select(p => (p.Key, p.Value)));
        Assert.Equal(1, _world.Store.SpentAttempts(P1));
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_change_whose_apply_fails_is_unknown_and_goes_forward(Exception failure)
    {
        await _world.CreateAsync();
        _world.Store.Faults.Enqueue((nameof(_world.Store.ApplyAsync), failure));

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.ConfirmAsync());
        Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));

        Assert.Equal(PayoutStatus.Confirmed, (await _world.StoredAsync())!.Status);
    }

    /// <summary>Nothing was done, but recovery goes forward where the operation is still there: that is no "not done".</summary>
    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_change_that_was_not_done_is_unknown_where_its_operation_cannot_be_removed(Exception failure)
    {
        await _world.CreateAsync();
        _world.Ledger.Fail("Commit", new NotDoneException("down"));
        _world.Store.Faults.Enqueue((nameof(_world.Store.AbandonAsync), failure));

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.ConfirmAsync());
        Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));

        Assert.Equal(PayoutStatus.Confirmed, (await _world.StoredAsync())!.Status);
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_refusal_whose_end_cannot_be_stored_is_unknown(Exception failure)
    {
        _world.Ledger.Balance = 0;
        _world.Store.Faults.Enqueue((nameof(_world.Store.AbandonAsync), failure));

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync());
        Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));

        Assert.Equal(1, _world.Store.SpentAttempts(P1));
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_renewal_that_fails_leaves_a_success_a_success(Exception failure)
    {
        var gate = new TaskCompletionSource();
        _world.Ledger.BeforeCall = _ => gate.Task;
        _world.Store.Faults.Enqueue((nameof(_world.Store.RenewAsync), failure));
        var create = _world.CreateAsync();

        _world.Clock.Advance(TimeSpan.FromSeconds(6));
        gate.SetResult();

        Assert.Equal(PayoutStatus.Unpaid, (await create).Status);
        Assert.Empty(_world.Store.Faults);
    }

    /// <summary>The last writes go on behind the caller's back: its deadline is over.</summary>
    [Fact]
    public async Task A_database_that_is_silent_does_not_keep_a_caller_past_its_deadline()
    {
        var store = Substitute.For<IOperationStore>();
        var closing = CancellationToken.None;
        store.ReleaseAsync(default!, default, default).ReturnsForAnyArgs(async call =>
        {
            closing = call.Arg<CancellationToken>();
            await Task.Delay(Timeout.InfiniteTimeSpan, _world.Clock, closing);
            return true;
        });
        using var deadline = new CancellationTokenSource();
        var leases = new OperationLeases(
            store, new OperationKinds([]), new RelaySignal(_world.Clock), _world.Clock, new OperationOptions(), NullLogger<OperationLeases>.Instance);

        var work = leases.BeginAsync<bool>(
            new Operation(P1, new ConfirmIntent(), 1, "owner"),
            async (operation, working) =>
            {
                operation.MayHaveActed = true;
                await Task.Delay(Timeout.InfiniteTimeSpan, _world.Clock, working);
                return true;
            },
            deadline.Token);
        await deadline.CancelAsync();
        while (!work.IsCompleted)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
            _world.Clock.Advance(TimeSpan.FromMilliseconds(10));
        }

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => work);
        Assert.False(closing.IsCancellationRequested);
        _world.Clock.Advance(new OperationOptions().ClosingTime);
        Assert.True(closing.IsCancellationRequested);
    }

    /// <summary>The row that was to be renewed is gone because the apply has just deleted it.</summary>
    [Fact]
    public async Task A_renewal_that_finds_nothing_while_the_change_is_stored_leaves_a_success_a_success()
    {
        var store = Substitute.For<IOperationStore>();
        var applied = new TaskCompletionSource<bool>();
        var token = CancellationToken.None;
        store.RenewAsync(default!, default, default).ReturnsForAnyArgs(false);
        store.ApplyAsync(default!, default!, default).ReturnsForAnyArgs(call =>
        {
            token = call.Arg<CancellationToken>();
            return applied.Task;
        });
        var payout = await _world.CreateAsync();
        var leases = new OperationLeases(
            store, new OperationKinds([]), new RelaySignal(_world.Clock), _world.Clock, new OperationOptions(), NullLogger<OperationLeases>.Instance);

        var work = leases.BeginAsync(
            new Operation(P1, new ConfirmIntent(), 1, "owner"),
            async (operation, working) =>
            {
                await operation.ApplyAsync(payout.Confirm(), working);
                return true;
            },
            CancellationToken.None);
        _world.Clock.Advance(TimeSpan.FromSeconds(6));
        await Task.Yield();
        await store.ReceivedWithAnyArgs().RenewAsync(default!, default, default);
        Assert.False(token.IsCancellationRequested);
        applied.SetResult(true);

        Assert.True(await work);
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_release_that_fails_leaves_the_operation_to_its_lease(Exception failure)
    {
        await _world.CreateAsync();
        _world.Ledger.Fail("Commit", new OutcomeUnknownException("lost"));
        _world.Store.Faults.Enqueue((nameof(_world.Store.ReleaseAsync), failure));

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.ConfirmAsync());

        Assert.Equal(0, await _world.Recovery.ScanAsync(CancellationToken.None));
        _world.PassLease();
        Assert.Equal(1, await _world.Recovery.ScanAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_measurement_that_fails_leaves_a_success_a_success()
    {
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, of) =>
        {
            if (instrument is { Meter.Name: PayoutTelemetry.Name, Name: "payouts.transitions" })
                of.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => throw new InvalidOperationException("a broken listener"));
        listener.Start();

        Assert.Equal(PayoutStatus.Unpaid, (await _world.CreateAsync()).Status);
    }

    [Fact]
    public async Task An_intent_that_may_be_written_is_unknown()
    {
        _world.Store.Faults.Enqueue((nameof(_world.Store.IntendAsync), new OutcomeUnknownException("The database was lost during a write.")));

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync());
    }

    [Fact]
    public async Task PartyManagement_that_is_down_until_the_deadline_is_named()
    {
        using var deadline = new CancellationTokenSource();
        _world.Parties.Fault = new NotDoneException("PartyManagement could not be reached for Get in time.");
        await deadline.CancelAsync();

        var e = await Assert.ThrowsAsync<NotDoneException>(() => _world.CreateAsync(token: deadline.Token));

        Assert.Equal("PartyManagement could not be reached for Get in time.", e.Message);
    }

    [Theory]
    [InlineData(100_000, "shop-1", null, true)]
    [InlineData(100_001, "shop-1", null, false)]
    [InlineData(100_000, "shop-1", "tool-1", false)]
    public async Task Whoever_finds_an_id_taken_is_told_whether_it_is_the_same_request(long amount, string shop, string? tool, bool isSame)
    {
        await _world.CreateAsync();
        await _world.ConfirmAsync();

        var e = await Assert.ThrowsAsync<PayoutAlreadyExistsException>(() => _world.CreateAsync(amount: amount, shop: shop, tool: tool));

        Assert.Equal(isSame, e.IsSameRequest);
    }

    [Fact]
    public async Task A_request_that_is_refused_for_another_reason_is_compared_too()
    {
        await _world.CreateAsync();

        var e = await Assert.ThrowsAsync<PayoutAlreadyExistsException>(() => _world.CreateAsync(shop: "shop-gone"));

        Assert.False(e.IsSameRequest);
    }

    [Fact]
    public async Task A_payout_from_before_requests_were_kept_can_be_compared_with_nothing()
    {
        _world.Store.Put(await new World().CreateAsync());

        Assert.Null((await Assert.ThrowsAsync<PayoutAlreadyExistsException>(() => _world.CreateAsync())).IsSameRequest);
    }

    [Fact]
    public async Task An_abandoned_create_of_another_request_is_not_the_same()
    {
        _world.Ledger.Fail("GetBalance", new OutcomeUnknownException("lost"));
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync());

        var e = await Assert.ThrowsAsync<PayoutAlreadyExistsException>(() => _world.CreateAsync(amount: 100_001));

        Assert.False(e.IsSameRequest);
    }

    /// <summary>The form is stored with each payout, so it must never change.</summary>
    [Fact]
    public void A_request_has_this_digest()
    {
        PayoutRequest request = new(
            new("party-1"), new("shop-1"), new(100_000, new("RUB")), null);

        Assert.Equal("3x1cxrni0m3VuuzLFsImW88aIXg819Ord-Q8Vju0p78", request.Digest());
        Assert.Equal("UNVRIlMfwxvKUKKfcY9j_T3JbNgheKR2H6uGeGoQwnE", (request with { PayoutToolId = new("tool-1") }).Digest());
        Assert.NotEqual(
            (request with { PartyId = new("a1:b"), ShopId = new("c") }).Digest(), (request with { PartyId = new("a"), ShopId = new("b1:c") }).Digest());
    }

    [Fact]
    public async Task Each_change_keeps_who_asked_for_it_also_where_recovery_finishes_it()
    {
        await _world.SendAsync(new CreatePayout.CreatePayoutCommand("party-1", "shop-1", 100_000, "RUB", "p1", Actor: new Actor("CN=scheduler")));
        _world.Ledger.Fail("Commit", new OutcomeUnknownException("lost"));
        await Assert.ThrowsAsync<OutcomeUnknownException>(
            () => _world.SendAsync(new ConfirmPayout.ConfirmPayoutCommand("p1", new Actor("id=42 username=ivan"))));
        await _world.Recovery.ScanAsync(CancellationToken.None);
        await _world.SendAsync(new CancelPayout.CancelPayoutCommand("p1", "why", new Actor("operator", "sent to a wrong account")));

        Assert.Equal(
            [new Actor("CN=scheduler"), new Actor("id=42 username=ivan"), new Actor("operator", "sent to a wrong account")], _world.Store.Actors);
    }

    [Theory]
    [InlineData(0, InsufficientFundsReason.AmountNotPositive, "amount not positive")]
    [InlineData(2_500, InsufficientFundsReason.NothingLeftAfterFees, "nothing left after fees")]
    [InlineData(2_000_000, InsufficientFundsReason.NotEnoughMoney, "not enough money")]
    public async Task Insufficient_funds_have_a_reason(long amount, InsufficientFundsReason reason, string words)
    {
        var counted = new List<string?>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, of) =>
        {
            if (instrument is { Meter.Name: PayoutTelemetry.Name, Name: "payouts.insufficient_funds" })
                of.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => counted.Add((string?)tags[0].Value));
        listener.Start();

        var e = await Assert.ThrowsAsync<InsufficientFundsException>(() => _world.CreateAsync(amount: amount));

        Assert.Equal(reason, e.Reason);
        Assert.Contains(words, counted);
    }

    [Theory]
    [InlineData(9_007_199_254_740_992)]
    [InlineData(long.MaxValue)]
    public async Task An_amount_at_which_the_ledger_might_wrap_is_malformed(long amount)
    {
        var e = await Assert.ThrowsAsync<InvalidRequestException>(() => _world.CreateAsync(amount: amount));

        Assert.Equal([$"amount must be at most 9007199254740991 minor units, is {amount}"], e.Errors);
        Assert.Empty(_world.Ledger.Calls);
    }

    [Fact]
    public async Task A_posting_at_which_the_ledger_might_wrap_is_refused()
    {
        _world.Parties.FixedFee = long.MaxValue;

        var e = await Assert.ThrowsAsync<InvalidRequestException>(() => _world.CreateAsync());

        Assert.Equal(["amount cannot be paid out: posting 2 must be at most 9007199254740991 minor units, is 9223372036854775807"], e.Errors);
        Assert.Empty(_world.Ledger.Calls);
    }

    [Fact]
    public async Task More_orphans_than_one_scan_takes_are_finished_by_one_round_of_recovery()
    {
        for (var i = 0; i < 40; i++)
        {
            _world.Ledger.Fail("Hold", new OutcomeUnknownException("lost"));
            await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync($"p{i}"));
        }

        using var stop = new CancellationTokenSource();
        var recovery = _world.Recovery.RunAsync(stop.Token);
        // No time passes: the next round would be two seconds later.
        for (var turn = 0; turn < 1_000; turn++)
            await Task.Yield();

        for (var i = 0; i < 40; i++)
            Assert.Equal(1, _world.Store.SpentAttempts(new PayoutId($"p{i}")));
        await stop.CancelAsync();
        await recovery;
    }
}
