using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;

namespace PayoutManager.Host.Tests;

/// <summary>Payouts all the way: Thrift call, ledger, PostgreSQL, Kafka.</summary>
public sealed class PayoutTests : IAsyncLifetime
{
    private PostgresPeers _peers = null!;
    private RunningHost _host = null!;

    public async Task InitializeAsync()
    {
        _peers = await PostgresPeers.StartAsync();
        _host = await RunningHost.StartAsync(_peers.Configuration);
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _peers.DisposeAsync();
    }

    [Fact]
    public async Task A_payout_goes_all_the_way()
    {
        var (created, _) = await _host.CreateAsync("p1");

        Assert.IsType<PayoutStatus.unpaid>(created!.Status);
        Assert.Equal((97_500, 2_800, "RUB", "tool-1"), (created.Amount, created.Fee, created.Currency!.SymbolicCode, created.PayoutToolId));
        Assert.Equal(4, created.CashFlow!.Count);
        Assert.Equal(created, await _host.GetAsync("p1"));
        Assert.Equal(PlanState.Held, _peers.Plans("p1")["payout_p1"]);
        Assert.Equal((10_000_000, 10_000_000 - 100_300), (_peers.Account(10).OwnAmount, _peers.Account(10).MinAvailableAmount));

        await _host.ConfirmAsync("p1");
        await _host.ConfirmAsync("p1");
        Assert.Equal(PlanState.Committed, _peers.Plans("p1")["payout_p1"]);
        Assert.Equal(10_000_000 - 100_300, _peers.Account(10).OwnAmount);

        await _host.CancelAsync("p1", "причина");
        await _host.CancelAsync("p1", "another");
        var cancelled = await _host.GetAsync("p1");
        Assert.Equal("причина", cancelled.Status!.As_cancelled!.Details);
        Assert.Equal(PlanState.Committed, _peers.Plans("p1")["revert_payout_p1"]);
        Assert.Equal(10_000_000, _peers.Account(10).OwnAmount);

        var events = _peers.ReadEvents(3);
        Assert.Equal([0, 1, 2], events.Select(e => e.Event.SequenceId));
        Assert.Equal([0L, 1, 2], events.Select(e => e.Offset));
        Assert.Equal(Topic.JavaPartition("p1", 4), Assert.Single(events.Select(e => e.Partition).Distinct()));
        Assert.All(events, e => Assert.Equal(("p1", "p1"), (e.PayoutId, e.Event.PayoutId)));
        Assert.Equal(created, events[0].Event.PayoutChange!.As_created!.Payout);
        Assert.IsType<PayoutStatus.confirmed>(events[1].Event.PayoutChange!.As_status_changed!.Status);
        Assert.Equal(cancelled.Status, events[2].Event.PayoutChange!.As_status_changed!.Status);
        Assert.Equal(cancelled, events[2].Event.Payout);
    }

    [Fact]
    public async Task A_payout_without_an_id_is_given_one()
    {
        var (payout, _) = await _host.CreateAsync(null);
        Assert.True(Guid.TryParseExact(payout!.PayoutId, "D", out _));
    }

    [Fact]
    public async Task Of_16_creates_of_one_id_at_once_one_succeeds_with_one_plan()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => RunningHost.RepeatAsync(() => _host.CreateAsync("same"))));

        Assert.Single(results, r => r.Payout is not null);
        Assert.Equal(15, results.Count(r => r.Refusal == nameof(PayoutAlreadyExists)));
        Assert.Equal([KeyValuePair.Create("payout_same", PlanState.Held)], _peers.Plans("same"));
        Assert.Equal(10_000_000 - 100_300, _peers.Account(10).MinAvailableAmount);
        Assert.Equal("same", Assert.Single(_peers.ReadEvents(1)).PayoutId);
    }

    [Fact]
    public async Task Twelve_creates_at_once_on_one_shop_never_hold_more_than_its_balance()
    {
        // shop-poor has 100,000; each of these takes 30,090.
        var results = await Task.WhenAll(
            Enumerable.Range(0, 12).Select(i => _host.CreateAsync($"poor-{i}", 30_000, "shop-poor")));

        var created = results.Count(r => r.Payout is not null);
        var held = _peers.Plans("poor-").Count(p => p.Value == PlanState.Held);
        Assert.InRange(created, 0, 3);
        Assert.Equal(created, held);
        Assert.Equal(12 - created, results.Count(r => r.Refusal == nameof(InsufficientFunds)));
        Assert.Equal(12 - created, _peers.Plans("poor-").Count(p => p.Value == PlanState.RolledBack));
        Assert.Equal(100_000 - (created * 30_090), _peers.Account(16).MinAvailableAmount);
    }

    [Fact]
    public async Task Insufficient_funds_leave_no_hold_and_the_id_can_be_used_once_there_is_money()
    {
        Assert.Equal(nameof(InsufficientFunds), (await _host.CreateAsync("again", 200_000, "shop-poor")).Refusal);
        Assert.Equal([KeyValuePair.Create("payout_again", PlanState.RolledBack)], _peers.Plans("again"));
        Assert.Equal(100_000, _peers.Account(16).MinAvailableAmount);

        _peers.Sandbox.Parties.Deposit(16, 200_000);
        var (payout, _) = await _host.CreateAsync("again", 200_000, "shop-poor");

        Assert.Equal("again", payout!.PayoutId);
        Assert.Equal(PlanState.Held, _peers.Plans("again")["payout#2_again"]);
        await _host.ConfirmAsync("again");
        Assert.Equal(PlanState.Committed, _peers.Plans("again")["payout#2_again"]);
        Assert.Equal(300_000 - 200_600, _peers.Account(16).OwnAmount);
    }

    [Fact]
    public async Task Confirm_racing_cancel_leaves_payout_and_ledger_agreeing()
    {
        for (var round = 0; round < 12; round++)
        {
            var id = $"race-{round}";
            await _host.CreateAsync(id, 10_000);
            var answers = await Task.WhenAll(
                Enumerable.Range(0, 4).Select(i => RunningHost.RepeatAsync(async () =>
                {
                    try
                    {
                        await (i % 2 == 0 ? _host.ConfirmAsync(id) : _host.CancelAsync(id));
                        return "done";
                    }
                    catch (WoodyCallException e) when (e.Outcome == WoodyOutcome.Failed)
                    {
                        return e.Message;
                    }
                })));

            Assert.All(answers, answer => Assert.True(
                answer == "done" || answer == $"500 Cannot confirm payout {id}: it is cancelled.", answer));
            var status = (await _host.GetAsync(id)).Status;
            var plans = _peers.Plans(id);
            Assert.IsType<PayoutStatus.cancelled>(status);
            Assert.True(
                (plans.Count == 1 && plans[$"payout_{id}"] == PlanState.RolledBack)
                || (plans[$"payout_{id}"] == PlanState.Committed && plans[$"revert_payout_{id}"] == PlanState.Committed),
                string.Join(", ", plans));
        }

        Assert.Equal((10_000_000, 10_000_000), (_peers.Account(10).OwnAmount, _peers.Account(10).MinAvailableAmount));
    }

    [Fact]
    public async Task Events_of_many_payouts_are_in_order_and_without_gap()
    {
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(async () =>
        {
            await _host.CreateAsync($"many-{i}", 10_000);
            await _host.ConfirmAsync($"many-{i}");
            await _host.CancelAsync($"many-{i}");
        })));

        var events = _peers.ReadEvents(120);
        Assert.Equal(120, events.Count);
        Assert.All(events.GroupBy(e => e.PayoutId), payout =>
        {
            Assert.Equal([0, 1, 2], payout.Select(e => e.Event.SequenceId));
            Assert.Equal(Topic.JavaPartition(payout.Key, 4), Assert.Single(payout.Select(e => e.Partition).Distinct()));
            Assert.Equal(payout.Select(e => e.Offset).Order(), payout.Select(e => e.Offset));
        });
    }

    [Fact]
    public async Task Two_hosts_on_one_database_act_as_one()
    {
        await using var second = await RunningHost.StartAsync(_peers.Configuration);

        var results = await Task.WhenAll(
            Enumerable.Range(0, 16).Select(i => RunningHost.RepeatAsync(() => (i % 2 == 0 ? _host : second).CreateAsync("shared"))));
        await second.ConfirmAsync("shared");
        await _host.CancelAsync("shared");

        Assert.Single(results, r => r.Payout is not null);
        Assert.Equal(15, results.Count(r => r.Refusal == nameof(PayoutAlreadyExists)));
        Assert.Equal([0, 1, 2], _peers.ReadEvents(3).Select(e => e.Event.SequenceId));
    }
}
