using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Crashes;

/// <summary>
/// A host dies half-way, nobody repeats the call, and the host that takes over dies at each step, too. Whoever comes last
/// finishes it.
/// </summary>
public sealed class RecoveryStepTests(StepHosts hosts) : IClassFixture<StepHosts>
{
    private readonly string _id = hosts.NewId();

    [Theory]
    [InlineData("TakeOver")]
    [InlineData("Rollback")]
    [InlineData("Abandon")]
    public async Task A_create_goes_back_though_recovery_dies(string step)
    {
        await hosts.DieAsync("Hold", "CreatePayout", RunningHost.CreateArgs(_id, 10_000));

        await hosts.DieOfRecoveryAsync(step);

        using var last = await hosts.StartAsync();
        await hosts.CheckAsync(last, _id, status: null);
    }

    [Theory]
    [InlineData("TakeOver")]
    [InlineData("Commit")]
    [InlineData("Apply")]
    public async Task A_cancel_of_a_confirmed_payout_goes_forward_though_recovery_dies(string step)
    {
        using (var first = await hosts.StartAsync())
        {
            await hosts.CreateAsync(first, _id);
            await hosts.ConfirmAsync(first, _id);
        }

        await hosts.DieAsync("Hold", "CancelPayout", new Calls.CancelPayout_args { PayoutId = _id, Details = "why" });

        await hosts.DieOfRecoveryAsync(step);

        using var last = await hosts.StartAsync();
        await hosts.CheckAsync(last, _id, new PayoutStatus.cancelled(new PayoutCancelled("why")));
    }

    [Theory]
    [InlineData("Spend", "Rollback")]
    [InlineData("New attempt", "Advance")]
    [InlineData("Second hold", "GetMinAvailableAmount")]
    public async Task A_repeated_create_that_dies_while_it_takes_over_is_finished_by_the_next(string what, string step)
    {
        var create = RunningHost.CreateArgs(_id, 10_000);
        // Up before there is anything to recover, so that it is the repeat that takes over.
        using var second = await hosts.StartVictimAsync(step);
        await hosts.DieAsync("Hold", "CreatePayout", create);
        await hosts.DieAsync(second, "CreatePayout", create);

        using var last = await hosts.StartAsync();
        Assert.True((await hosts.InsistAsync<Calls.CreatePayout_result>(last, "CreatePayout", create)).Success is not null, what);
        await hosts.CheckAsync(last, _id, new PayoutStatus.unpaid(new PayoutUnpaid()));
    }

    [Theory]
    [InlineData("Send")]
    [InlineData("Acknowledge")]
    public async Task An_event_is_sent_though_the_relay_dies(string step)
    {
        using (var victim = await hosts.StartAsync(step))
        {
            await hosts.TryCreateAsync(victim, _id);
            await StepHosts.AssertDeadAsync(victim);
        }

        using var last = await hosts.StartAsync();
        await hosts.CheckAsync(last, _id, new PayoutStatus.unpaid(new PayoutUnpaid()));
        var records = Topic.ReadUntil(hosts.Peers.BootstrapServers, KafkaOptions.DefaultTopic, read => read.Any(r => r.PayoutId == _id))
            .Where(r => r.PayoutId == _id);
        Assert.All(records, record => Assert.Equal(0, record.Event.SequenceId));
    }

    [Fact]
    public async Task A_host_that_dies_while_it_stops_leaves_its_events_to_the_next()
    {
        using (var victim = await hosts.StartAsync("Leave"))
        {
            // It may have to wait for a lease that another has died with, and without one there is nothing to hand over.
            await hosts.UntilSenderAsync(victim);
            await hosts.CreateAsync(victim, _id);
            victim.Terminate();
            await StepHosts.AssertDeadAsync(victim);
        }

        using var last = await hosts.StartAsync();
        await hosts.CheckAsync(last, _id, new PayoutStatus.unpaid(new PayoutUnpaid()));
    }
}
