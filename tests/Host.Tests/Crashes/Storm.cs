using System.Collections.Concurrent;
using PayoutManager.Sandbox.Faults;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Crashes;

/// <summary>What a storm does to the service, and for how long.</summary>
internal sealed record StormPlan
{
    public required string Name { get; init; }

    public required int Hosts { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>A host is killed at every such interval; null for none.</summary>
    public TimeSpan? KillHostEvery { get; init; }

    /// <summary>The hosts are told to stop, as in a roll-out, instead of killed.</summary>
    public bool Politely { get; init; }

    public TimeSpan? KillDatabaseEvery { get; init; }

    public TimeSpan? SilenceBrokerEvery { get; init; }

    /// <summary>The part of all calls to dependencies that go wrong.</summary>
    public double DependencyFaults { get; init; }

    /// <summary>How the ledger answers.</summary>
    public LedgerForm Ledger { get; init; }
}

/// <summary>
/// Production hosts on one database under load, while hosts, database, broker and dependencies fail as planned. What came
/// of it is seen from outside: over the wire, in the topic, in the sandbox's ledger.
/// </summary>
internal sealed class Storm : IAsyncDisposable
{
    private const int Callers = 8;

    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);
    public static readonly TimeSpan Scan = TimeSpan.FromSeconds(0.5);

    private static readonly TimeSpan DatabaseDown = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BrokerSilent = TimeSpan.FromSeconds(4);

    private readonly StormPlan _plan;
    private readonly InstalledPostgres _postgres;
    private readonly BrokerProcess _broker;
    private readonly HostProcess[] _hosts;
    private readonly HttpClient _http = new(Woody.WoodyClient.CreateHandler());
    private readonly ConcurrentQueue<DateTime> _disturbances = [];
    private int _hostsStopped;
    private int _databaseKills;
    private int _brokerSilences;

    private Storm(StormPlan plan, InstalledPostgres postgres, BrokerProcess broker, PostgresPeers peers)
    {
        _plan = plan;
        _postgres = postgres;
        _broker = broker;
        Peers = peers;
        _hosts = [.. Enumerable.Range(0, plan.Hosts).Select(_ => StartHost())];
    }

    public PostgresPeers Peers { get; }

    /// <summary>When something was killed, stopped or silenced.</summary>
    public IReadOnlyCollection<DateTime> Disturbances => _disturbances;

    public static async Task<Storm> PrepareAsync(StormPlan plan)
    {
        var postgres = await InstalledPostgres.StartAsync();
        var broker = await BrokerProcess.StartAsync();
        var storm = new Storm(plan, postgres, broker, await PostgresPeers.StartAsync(postgres, broker, plan.Ledger));
        foreach (var host in storm._hosts)
            await host.UntilReadyAsync();
        return storm;
    }

    /// <summary>Lets it rage, then waits until all is calm again.</summary>
    /// <returns>What the callers were told.</returns>
    public async Task<IReadOnlyList<StormCaller>> RunAsync()
    {
        using var end = new CancellationTokenSource(_plan.Duration);
        Peers.Sandbox.Faults.Settings = new FaultSettings { Rate = _plan.DependencyFaults };
        var callers = Enumerable.Range(0, Callers)
            .Select(n => new StormCaller(n, random => new(_http, _hosts[random.Next(_hosts.Length)].ThriftUrl)))
            .ToList();
        var lives = callers.Select(caller => Task.Run(() => caller.LiveAsync(end.Token))).ToList();

        await Task.WhenAll(
            AtEveryAsync(_plan.KillHostEvery, n => RestartAsync(n % _hosts.Length), end.Token),
            AtEveryAsync(_plan.KillDatabaseEvery, _ => RestartDatabaseAsync(), end.Token),
            AtEveryAsync(_plan.SilenceBrokerEvery, _ => SilenceBrokerAsync(), end.Token));
        Peers.Sandbox.Faults.Settings = new FaultSettings();
        foreach (var host in _hosts)
            await host.UntilReadyAsync();
        await Task.WhenAll(lives);
        return callers;
    }

    /// <summary>What happened, for the report.</summary>
    public string Describe() =>
        $"{_plan.Name}: {_plan.Hosts} hosts for {_plan.Duration.TotalSeconds} s, "
        + $"{_hostsStopped} {(_plan.Politely ? "stopped" : "killed")}, {_databaseKills} times the database killed, "
        + $"{_brokerSilences} times the broker silent, {Peers.Sandbox.Faults.Counts.Values.Sum()} calls to dependencies gone wrong";

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
            host.Dispose();
        await Peers.DisposeAsync();
        _http.Dispose();
    }

    private HostProcess StartHost() => HostProcess.Start(
        Peers,
        ("Recovery__LeaseDuration", Lease.ToString("c")),
        ("Recovery__ScanInterval", Scan.ToString("c")),
        ("PartyManagement__Timeout", "00:00:01"),
        ("Shumway__Timeout", "00:00:01"),
        ("Logging__LogLevel__Default", "Error"));

    private static async Task AtEveryAsync(TimeSpan? interval, Func<int, Task> strike, CancellationToken end)
    {
        if (interval is null)
            return;
        using var timer = new PeriodicTimer(interval.Value, TimeProvider.System);
        for (var n = 0; !end.IsCancellationRequested; n++)
        {
            await timer.WaitForNextTickAsync(CancellationToken.None);
            await strike(n);
        }
    }

    /// <summary>Ends a host that had come up, and starts it anew.</summary>
    private async Task RestartAsync(int i)
    {
        await _hosts[i].UntilReadyAsync();
        _disturbances.Enqueue(Now());
        if (_plan.Politely)
        {
            _hosts[i].Terminate();
            Assert.Equal(0, await _hosts[i].WaitAsync());
        }

        _hosts[i].Dispose();
        _hosts[i] = StartHost();
        _hostsStopped++;
    }

    private async Task RestartDatabaseAsync()
    {
        _disturbances.Enqueue(Now());
        _postgres.Kill();
        await Task.Delay(DatabaseDown, TimeProvider.System);
        await _postgres.StartAgainAsync();
        _databaseKills++;
    }

    private async Task SilenceBrokerAsync()
    {
        _disturbances.Enqueue(Now());
        _broker.Pause();
        await Task.Delay(BrokerSilent, TimeProvider.System);
        _broker.Resume();
        _brokerSilences++;
    }

    private static DateTime Now() => TimeProvider.System.GetUtcNow().UtcDateTime;
}
