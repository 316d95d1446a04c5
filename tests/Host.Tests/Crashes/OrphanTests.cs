using Npgsql;
using PayoutManager.Sandbox.Faults;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;
using Xunit.Abstractions;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Crashes;

/// <summary>A host dies with as many operations under way as it takes, and another one finishes them.</summary>
public sealed class OrphanTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Orphans = 512;
    private const int Troubled = 64;

    private static readonly (string Key, string Value)[] Settings =
        [("Recovery__LeaseDuration", "00:00:03"), ("Recovery__ScanInterval", "00:00:00.5")];

    private readonly HttpClient _http = new(WoodyClient.CreateHandler());
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync() => _peers = await PostgresPeers.StartAsync();

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _peers.DisposeAsync();
    }

    /// <param name="signal">What befalls the host. One that is stopped keeps its connections, as a machine that is cut off does.</param>
    [Theory]
    [InlineData("KILL")]
    [InlineData("STOP")]
    public async Task All_are_finished_by_one_other_host_beside_operations_that_cannot_be(string signal)
    {
        using var victim = HostProcess.Start(_peers, Settings);
        using var survivor = HostProcess.Start(_peers, Settings);
        await victim.UntilReadyAsync();
        await survivor.UntilReadyAsync();
        string[] good = [.. Enumerable.Range(0, Orphans).Select(n => $"good-{n}")];
        string[] bad = [.. Enumerable.Range(0, Troubled).Select(n => $"bad-{n}")];
        var creator = new StormCaller(0, _ => new StormCaller.Target(_http, victim.ThriftUrl));
        await Parallel.ForEachAsync(good.Concat(bad), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (id, _) =>
            Assert.True(await creator.InsistAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs(id, 10_000)) is { Success: not null } or { Ex3: not null }));

        // The ledger fails these, and answers whatever else is asked of it.
        _peers.Sandbox.Faults.Settings = new FaultSettings { Rate = 1, Kinds = [Fault.Undeclared], Containing = "payout_bad-" };
        await Task.WhenAll(bad.Select(id => UntilLeftAsync(survivor, id)));
        await UntilAsync("SELECT count(*)::text FROM pm.payout_operation WHERE failed_tries > 0", Troubled);

        // The ledger is slow, so that all are under way when the host dies.
        _peers.Sandbox.Faults.Settings = _peers.Sandbox.Faults.Settings with { Latency = TimeSpan.FromMinutes(1) };
        var calls = good.Select(id => ConfirmAsync(victim, id)).ToList();
        await UntilAsync("SELECT count(*)::text FROM pm.payout_operation WHERE payout_id LIKE 'good-%'", Orphans);
        victim.Signal(signal);
        _peers.Sandbox.Faults.Settings = _peers.Sandbox.Faults.Settings with { Latency = TimeSpan.Zero };
        var began = TimeProvider.System.GetTimestamp();
        await UntilAsync("SELECT count(*)::text FROM pm.payout_operation WHERE payout_id LIKE 'good-%'", 0);
        var took = TimeProvider.System.GetElapsedTime(began);
        victim.Signal("KILL");
        foreach (var call in calls)
            Assert.Equal(WoodyOutcome.Unknown, (await Assert.ThrowsAsync<WoodyCallException>(() => call)).Outcome);
        Assert.Equal(
            [$"{Troubled}"],
            await Sql.QueryAsync(_peers.ConnectionString, "SELECT count(*)::text FROM pm.payout_operation WHERE payout_id LIKE 'bad-%'"));
        Report.Write(output, $"{Orphans} operations of a host that got SIG{signal}, {Troubled} troubled ones beside them, lease 3 s, scan 0.5 s: finished after {took.TotalSeconds:F1} s");

        // Whatever the pause of a troubled operation, a caller does not wait for it.
        _peers.Sandbox.Faults.Settings = new FaultSettings();
        var caller = new StormCaller(0, _ => new StormCaller.Target(_http, survivor.ThriftUrl));
        await Task.WhenAll(bad.Select(id => caller.InsistAsync<Calls.ConfirmPayout_result>(
            "ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = id })));
        var aftermath = new Aftermath(_peers);
        await aftermath.SettleAsync();
        aftermath.CheckLedger(good.ToDictionary(id => id, _ => (PayoutStatus)new PayoutStatus.confirmed(new PayoutConfirmed())), "good-");
    }

    private static Task ConfirmAsync(HostProcess host, string id, TimeSpan? time = null) =>
        host.CallAsync<Calls.ConfirmPayout_result>("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = id }, time);

    /// <summary>
    /// Confirms until the host has left the operation to recovery. A caller whose own time is up knows nothing either, and a busy host may
    /// not have begun by then.
    /// </summary>
    private async Task UntilLeftAsync(HostProcess host, string id)
    {
        while ((await Assert.ThrowsAsync<WoodyCallException>(() => ConfirmAsync(host, id, TimeSpan.FromSeconds(1)))).Outcome != WoodyOutcome.Unknown
            || !await IsTriedAsync(id))
        {
        }
    }

    /// <summary>Whether the operation is there and something has gone wrong with it, once its try is over; false if it is not there.</summary>
    private async Task<bool> IsTriedAsync(string id)
    {
        while (true)
        {
            var errors = await Sql.QueryAsync(_peers.ConnectionString, $"SELECT coalesce(last_error, '') FROM pm.payout_operation WHERE payout_id = '{id}'");
            if (errors is not [""])
                return errors.Count > 0;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    private async Task UntilAsync(string count, int number)
    {
        await using var source = NpgsqlDataSource.Create(_peers.ConnectionString);
        await Sql.UntilAsync(async () => (await source.QueryAsync(count))[0] == $"{number}");
    }
}
