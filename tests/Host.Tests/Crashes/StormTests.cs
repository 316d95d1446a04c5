using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;
using Xunit.Abstractions;

namespace PayoutManager.Host.Tests.Crashes;

public sealed class StormTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Two_hosts_killed_again_and_again_among_failing_dependencies_lose_nothing_and_do_nothing_twice() =>
        await RageAsync(new StormPlan
        {
            Name = "Hosts killed",
            Hosts = 2,
            Duration = Long,
            KillHostEvery = TimeSpan.FromSeconds(2),
            DependencyFaults = 0.08,
        });

    [Fact]
    public async Task Nor_do_they_with_the_database_killed_and_the_broker_out_of_reach_as_well() =>
        await RageAsync(new StormPlan
        {
            Name = "Hosts and database killed",
            Hosts = 2,
            Duration = Long,
            KillHostEvery = TimeSpan.FromSeconds(2),
            KillDatabaseEvery = TimeSpan.FromSeconds(7),
            SilenceBrokerEvery = TimeSpan.FromSeconds(15),
            DependencyFaults = 0.08,
        });

    [Fact]
    public async Task Nor_do_three_hosts() =>
        await RageAsync(new StormPlan
        {
            Name = "Three hosts",
            Hosts = 3,
            Ledger = LedgerForm.Declared,
            Duration = TimeSpan.FromSeconds(10),
            KillHostEvery = TimeSpan.FromSeconds(1.5),
            KillDatabaseEvery = TimeSpan.FromSeconds(6),
            DependencyFaults = 0.08,
        });

    [Fact]
    public async Task Hosts_that_are_told_to_stop_finish_what_they_do_and_send_no_event_twice()
    {
        var duplicates = await RageAsync(new StormPlan
        {
            Name = "A roll-out",
            Hosts = 3,
            Duration = TimeSpan.FromSeconds(10),
            KillHostEvery = TimeSpan.FromSeconds(2),
            Politely = true,
        });

        Assert.Equal(0, duplicates);
    }

    /// <returns>How many events were sent more than once.</returns>
    private async Task<int> RageAsync(StormPlan plan)
    {
        await using var storm = await Storm.PrepareAsync(plan);
        var callers = await storm.RunAsync();
        var told = callers.SelectMany(caller => caller.Told).ToDictionary();
        var aftermath = new Aftermath(storm.Peers);
        var settled = await aftermath.SettleAsync();

        Assert.All(callers, caller => Assert.True(caller.Told.Count + caller.Refused.Count > 0, "a caller was never answered"));
        await aftermath.CheckPayoutsAsync(told, callers[0].GetStatusAsync);
        aftermath.CheckLedger(told, "storm-");
        var audit = await AuditRunner.RunAsync(storm.Peers);
        Assert.True(audit.FoundNothing, $"{audit}");
        var (records, duplicates) = await aftermath.CheckEventsAsync(told, storm.Disturbances);

        Report.Write(
            output,
            $"{storm.Describe()}. {callers.Sum(c => c.Calls)} calls made {told.Count} payouts and were refused "
            + $"{callers.Sum(c => c.Refused.Count)}; {records} events, {duplicates} of them sent again; everything finished "
            + $"{settled.TotalSeconds:F1} s after the last answer (promised: {(Storm.Lease + Storm.Scan).TotalSeconds} s).");
        return duplicates;
    }
}
