using System.Collections.Concurrent;
using Npgsql;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests;

/// <summary>Two production hosts on one database, killed again and again while callers go on; seen from outside.</summary>
public sealed class CrashTests : IAsyncLifetime
{
    private const int Callers = 8;

    private static readonly TimeSpan Storm = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan BetweenKills = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    private readonly HttpClient _http = new(WoodyClient.CreateHandler());
    private readonly ConcurrentDictionary<string, PayoutStatus> _told = [];
    private readonly HostProcess?[] _hosts = new HostProcess?[2];
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync()
    {
        _peers = await PostgresPeers.StartAsync();
        for (var i = 0; i < _hosts.Length; i++)
            await StartAsync(i);
    }

    public async Task DisposeAsync()
    {
        foreach (var host in _hosts)
            host?.Dispose();
        await _peers.DisposeAsync();
        _http.Dispose();
    }

    [Fact]
    public async Task Hosts_that_are_killed_under_load_lose_nothing_and_do_nothing_twice()
    {
        using var storm = new CancellationTokenSource(Storm);
        var callers = Enumerable.Range(0, Callers).Select(caller => Task.Run(() => LiveAsync(caller, storm.Token))).ToList();
        for (var kill = 0; !storm.IsCancellationRequested; kill++)
        {
            await Task.Delay(BetweenKills, TimeProvider.System);
            _hosts[kill % 2]!.Dispose();
            await StartAsync(kill % 2);
        }

        await Task.WhenAll(callers);
        await UntilNothingIsUnderWayAsync();

        var stored = await QueryAsync("SELECT payout_id, sequence_id FROM pm.payout ORDER BY payout_id");
        Assert.True(_told.Count > Callers);
        // Every payout was told to its caller in the end, and none was made that nobody asked for.
        Assert.Equal(_told.Keys.Order(StringComparer.Ordinal), stored.Select(p => p.Id).Order(StringComparer.Ordinal));
        foreach (var (id, status) in _told)
        {
            var payout = (await CallAsync<Calls.GetPayout_result>(0, "GetPayout", new Calls.GetPayout_args { PayoutId = id })).Success!;
            Assert.Equal(status, payout.Status);
        }

        CheckLedger();
        CheckEvents(stored);
    }

    /// <summary>A caller's life: one payout after another is created, some are confirmed, some are cancelled.</summary>
    private async Task LiveAsync(int caller, CancellationToken storm)
    {
        var random = new Random(caller);
        for (var n = 0; !storm.IsCancellationRequested; n++)
        {
            var id = $"storm-{caller}-{n}";
            await InsistAsync(random, "CreatePayout", RunningHost.CreateArgs(id, 10_000, $"shop-load-{caller + 1}", "party-load"), (Calls.CreatePayout_result r) =>
                Assert.True(r.Success is not null || r.Ex3 is not null));
            _told[id] = new PayoutStatus.unpaid(new PayoutUnpaid());
            if (random.Next(3) > 0)
            {
                await InsistAsync(random, "ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = id }, (Calls.ConfirmPayout_result r) => Assert.Null(r.Ex1));
                _told[id] = new PayoutStatus.confirmed(new PayoutConfirmed());
            }

            if (random.Next(3) == 0)
            {
                await InsistAsync(random, "CancelPayout", new Calls.CancelPayout_args { PayoutId = id, Details = "storm" }, (Calls.CancelPayout_result r) => Assert.Null(r.Ex1));
                _told[id] = new PayoutStatus.cancelled(new PayoutCancelled("storm"));
            }
        }
    }

    /// <summary>Repeats a call until it is answered: whatever was lost, the same call gives the final answer in the end.</summary>
    private async Task InsistAsync<TResult>(Random random, string method, global::Thrift.Protocol.TBase args, Action<TResult> check)
        where TResult : global::Thrift.Protocol.TBase, new()
    {
        for (var attempt = 0; attempt < 500; attempt++)
        {
            try
            {
                check(await CallAsync<TResult>(random.Next(_hosts.Length), method, args));
                return;
            }
            catch (WoodyCallException e) when (e.Outcome is WoodyOutcome.NotDone or WoodyOutcome.Unknown)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(50, 300)), TimeProvider.System);
            }
        }

        Assert.Fail($"{method} is never answered.");
    }

    private Task<TResult> CallAsync<TResult>(int host, string method, global::Thrift.Protocol.TBase args)
        where TResult : global::Thrift.Protocol.TBase, new()
    {
        WoodyContext.Current = WoodyContext.NewRoot() with { Deadline = TimeProvider.System.GetUtcNow() + Patience };
        return new WoodyClient(_http, _hosts[host]!.ThriftUrl, Patience * 2, TimeProvider.System)
            .CallAsync<TResult>(method, args, CancellationToken.None);
    }

    private async Task StartAsync(int i)
    {
        var host = HostProcess.Start(
            _peers, ("Recovery__LeaseDuration", "00:00:02"), ("Recovery__ScanInterval", "00:00:00.500"));
        await host.UntilReadyAsync();
        _hosts[i] = host;
    }

    private async Task UntilNothingIsUnderWayAsync()
    {
        for (var i = 0; i < 600; i++)
        {
            var left = await QueryAsync(
                """
                SELECT payout_id, 0 FROM pm.payout_operation WHERE kind <> 'spent'
                UNION ALL SELECT payout_id, 1 FROM pm.payout_event WHERE published_at IS NULL
                """);
            if (left.Count == 0)
                return;
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }

        Assert.Fail("Operations or events are left over.");
    }

    /// <summary>Each payout's plans are those of its status; no other plan is held or committed.</summary>
    private void CheckLedger()
    {
        var plans = _peers.Plans("storm-").Where(p => p.Value != PlanState.RolledBack).ToLookup(
            p => p.Key[p.Key.IndexOf("storm-", StringComparison.Ordinal)..],
            p => (IsRevert: p.Key.StartsWith("revert", StringComparison.Ordinal), p.Value));
        Assert.Empty(plans.Select(p => p.Key).Except(_told.Keys));
        foreach (var (id, status) in _told)
        {
            var alive = plans[id].Order().ToList();
            Assert.True(
                status switch
                {
                    PayoutStatus.unpaid => alive is [(false, PlanState.Held)],
                    PayoutStatus.confirmed => alive is [(false, PlanState.Committed)],
                    _ => alive is [] or [(false, PlanState.Committed), (true, PlanState.Committed)],
                },
                $"{id} is {status.GetType().Name}, its plans are {string.Join(", ", alive)}");
        }

        Assert.Equal(0, _peers.Sandbox.Accounter.ListAccounts().Where(a => a.Currency == "RUB").Sum(a => a.OwnAmount));
    }

    /// <summary>Events of each payout are 0..n, in order and in one partition; what was told twice was told again later.</summary>
    private void CheckEvents(IReadOnlyList<(string Id, int SequenceId)> stored)
    {
        var expected = stored.Sum(p => p.SequenceId + 1);
        var records = Topic.ReadUntil(
            _peers.BootstrapServers,
            Infrastructure.Kafka.KafkaOptions.DefaultTopic,
            read => read.Select(r => (r.PayoutId, r.Event.SequenceId)).Distinct().Count() >= expected);
        foreach (var (id, sequenceId) in stored)
        {
            var history = records.Where(r => r.PayoutId == id).ToList();
            Assert.Single(history.Select(r => r.Partition).Distinct());
            Assert.Equal(Enumerable.Range(0, sequenceId + 1), history.Select(r => r.Event.SequenceId).Distinct());
            Assert.Equal(_told[id], history.MaxBy(r => r.Event.SequenceId)!.Event.Payout!.Status);
        }
    }

    private async Task<IReadOnlyList<(string Id, int SequenceId)>> QueryAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_peers.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<(string, int)>();
        while (await reader.ReadAsync())
            rows.Add((reader.GetString(0), reader.GetInt32(1)));
        return rows;
    }
}
