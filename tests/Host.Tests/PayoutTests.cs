using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;

namespace PayoutManager.Host.Tests;

/// <summary>Payouts all the way: Thrift call, ledger, PostgreSQL, Kafka.</summary>
public sealed class PayoutTests(SharedHost shared) : IClassFixture<SharedHost>, IAsyncLifetime
{
    private readonly string _id = shared.NewId();

    private PostgresPeers Peers => shared.Peers;

    private RunningHost Host => shared.Host;

    /// <summary>Each test has a ledger of its own.</summary>
    public Task InitializeAsync() => Peers.RenewSandboxAsync(LedgerForm.Deployed);

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task A_payout_goes_all_the_way()
    {
        var (created, _) = await Host.CreateAsync(_id);

        Assert.IsType<PayoutStatus.unpaid>(created!.Status);
        Assert.Equal((97_500, 2_800, "RUB", "tool-1"), (created.Amount, created.Fee, created.Currency!.SymbolicCode, created.PayoutToolId));
        Assert.Equal(4, created.CashFlow!.Count);
        Assert.Equal(created, await Host.GetAsync(_id));
        Assert.Equal(PlanState.Held, Peers.Plans(_id)[$"payout_{_id}"]);
        Assert.Equal((10_000_000, 10_000_000 - 100_300), (Peers.Account(10).OwnAmount, Peers.Account(10).MinAvailableAmount));

        await Host.ConfirmAsync(_id);
        await Host.ConfirmAsync(_id);
        Assert.Equal(PlanState.Committed, Peers.Plans(_id)[$"payout_{_id}"]);
        Assert.Equal(10_000_000 - 100_300, Peers.Account(10).OwnAmount);

        await Host.CancelAsync(_id, "причина");
        await Host.CancelAsync(_id, "another");
        var cancelled = await Host.GetAsync(_id);
        Assert.Equal("причина", cancelled.Status!.As_cancelled!.Details);
        Assert.Equal(PlanState.Committed, Peers.Plans(_id)[$"revert_payout_{_id}"]);
        Assert.Equal(10_000_000, Peers.Account(10).OwnAmount);

        var events = Peers.ReadEvents(3, _id);
        Assert.Equal([0, 1, 2], events.Select(e => e.Event.SequenceId));
        Assert.Equal(events.Select(e => e.Offset).Order(), events.Select(e => e.Offset));
        Assert.Equal(Topic.JavaPartition(_id, 4), Assert.Single(events.Select(e => e.Partition).Distinct()));
        Assert.All(events, e => Assert.Equal((_id, _id), (e.PayoutId, e.Event.PayoutId)));
        Assert.Equal(created, events[0].Event.PayoutChange!.As_created!.Payout);
        Assert.IsType<PayoutStatus.confirmed>(events[1].Event.PayoutChange!.As_status_changed!.Status);
        Assert.Equal(cancelled.Status, events[2].Event.PayoutChange!.As_status_changed!.Status);
        Assert.Equal(cancelled, events[2].Event.Payout);
    }

    [Fact]
    public async Task A_payout_without_an_id_is_given_one()
    {
        var (payout, _) = await Host.CreateAsync(null);
        Assert.True(Guid.TryParseExact(payout!.PayoutId, "D", out _));
    }

    [Fact]
    public async Task Of_16_creates_of_one_id_at_once_one_succeeds_with_one_plan()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => RunningHost.RepeatAsync(() => Host.CreateAsync(_id))));

        Assert.Single(results, r => r.Payout is not null);
        Assert.Equal(15, results.Count(r => r.Refusal == nameof(PayoutAlreadyExists)));
        Assert.Equal([KeyValuePair.Create($"payout_{_id}", PlanState.Held)], Peers.Plans(_id));
        Assert.Equal(10_000_000 - 100_300, Peers.Account(10).MinAvailableAmount);
        Assert.Equal(_id, Assert.Single(Peers.ReadEvents(1, _id)).PayoutId);
    }

    [Fact]
    public async Task Twelve_creates_at_once_on_one_shop_never_hold_more_than_its_balance()
    {
        // shop-poor has 100,000; each of these takes 30,090.
        var results = await Task.WhenAll(
            Enumerable.Range(0, 12).Select(i => Host.CreateAsync($"poor-{i}", 30_000, "shop-poor")));

        var created = results.Count(r => r.Payout is not null);
        var held = Peers.Plans("poor-").Count(p => p.Value == PlanState.Held);
        Assert.InRange(created, 0, 3);
        Assert.Equal(created, held);
        Assert.Equal(12 - created, results.Count(r => r.Refusal == nameof(InsufficientFunds)));
        Assert.Equal(12 - created, Peers.Plans("poor-").Count(p => p.Value == PlanState.RolledBack));
        Assert.Equal(100_000 - (created * 30_090), Peers.Account(16).MinAvailableAmount);
    }

    [Fact]
    public async Task Insufficient_funds_leave_no_hold_and_the_id_can_be_used_once_there_is_money()
    {
        Assert.Equal(nameof(InsufficientFunds), (await Host.CreateAsync(_id, 200_000, "shop-poor")).Refusal);
        Assert.Equal([KeyValuePair.Create($"payout_{_id}", PlanState.RolledBack)], Peers.Plans(_id));
        Assert.Equal(100_000, Peers.Account(16).MinAvailableAmount);

        Peers.Sandbox.Parties.Deposit(16, 200_000);
        var (payout, _) = await Host.CreateAsync(_id, 200_000, "shop-poor");

        Assert.Equal(_id, payout!.PayoutId);
        Assert.Equal(PlanState.Held, Peers.Plans(_id)[$"payout#2_{_id}"]);
        await Host.ConfirmAsync(_id);
        Assert.Equal(PlanState.Committed, Peers.Plans(_id)[$"payout#2_{_id}"]);
        Assert.Equal(300_000 - 200_600, Peers.Account(16).OwnAmount);
    }

    [Fact]
    public async Task Confirm_racing_cancel_leaves_payout_and_ledger_agreeing()
    {
        for (var round = 0; round < 12; round++)
        {
            var id = $"race-{round}";
            await Host.CreateAsync(id, 10_000);
            var answers = await Task.WhenAll(
                Enumerable.Range(0, 4).Select(i => RunningHost.RepeatAsync(async () =>
                {
                    try
                    {
                        await (i % 2 == 0 ? Host.ConfirmAsync(id) : Host.CancelAsync(id));
                        return "done";
                    }
                    catch (WoodyCallException e) when (e.Outcome == WoodyOutcome.Failed)
                    {
                        return e.Message;
                    }
                })));

            Assert.All(answers, answer => Assert.True(
                answer == "done" || answer == $"500 Cannot confirm payout {id}: it is cancelled.", answer));
            var status = (await Host.GetAsync(id)).Status;
            var plans = Peers.Plans(id);
            Assert.IsType<PayoutStatus.cancelled>(status);
            Assert.True(
                (plans.Count == 1 && plans[$"payout_{id}"] == PlanState.RolledBack)
                || (plans[$"payout_{id}"] == PlanState.Committed && plans[$"revert_payout_{id}"] == PlanState.Committed),
                string.Join(", ", plans));
        }

        Assert.Equal((10_000_000, 10_000_000), (Peers.Account(10).OwnAmount, Peers.Account(10).MinAvailableAmount));
    }

    [Fact]
    public async Task Events_of_many_payouts_are_in_order_and_without_gap()
    {
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(async () =>
        {
            await Host.CreateAsync($"many-{i}", 10_000);
            await Host.ConfirmAsync($"many-{i}");
            await Host.CancelAsync($"many-{i}");
        })));

        var events = Peers.ReadEvents(120, "many-");
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
        await using var second = await RunningHost.StartAsync(Peers.Configuration);

        var results = await Task.WhenAll(
            Enumerable.Range(0, 16).Select(i => RunningHost.RepeatAsync(() => (i % 2 == 0 ? Host : second).CreateAsync(_id))));
        await second.ConfirmAsync(_id);
        await Host.CancelAsync(_id);

        Assert.Single(results, r => r.Payout is not null);
        Assert.Equal(15, results.Count(r => r.Refusal == nameof(PayoutAlreadyExists)));
        Assert.Equal([0, 1, 2], Peers.ReadEvents(3, _id).Select(e => e.Event.SequenceId));
    }
}
