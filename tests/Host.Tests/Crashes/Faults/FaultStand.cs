using PayoutManager.Host.Tests.Operating;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;

namespace PayoutManager.Host.Tests.Crashes.Faults;

/// <summary>Two production hosts under a steady load, with peers of which each can be made to fail by itself.</summary>
internal sealed class FaultStand : IAsyncDisposable
{
    private const int Callers = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly HttpClient _http;
    private readonly HttpClient _health = new() { Timeout = TimeSpan.FromSeconds(2) };
    private readonly HttpClient _metrics = new();
    private readonly CancellationTokenSource _end = new();
    private readonly List<StormCaller> _callers;
    private readonly List<OnceCaller> _onceCallers;
    private readonly List<string> _output = [];
    private Task _load = Task.CompletedTask;

    private FaultStand(InstalledPostgres postgres, MockBroker broker, PostgresPeers peers, HostRole role, Forwarder partyManagement, Forwarder shumway, SmallDisk? disk)
    {
        (Postgres, Broker, Peers, Role, PartyManagement, Shumway, Disk) = (postgres, broker, peers, role, partyManagement, shumway, disk);
        Hosts = [StartHost(), StartHost()];
        Answers = new AnswerCounter(WoodyClient.CreateHandler());
        _http = new HttpClient(Answers);
        _callers = [.. Enumerable.Range(0, Callers).Select(n => new StormCaller(n, Aim, Pause))];
        _onceCallers = [.. Enumerable.Range(Callers, Callers).Select(n => new OnceCaller(n, Aim, Pause))];
    }

    public InstalledPostgres Postgres { get; }

    public MockBroker Broker { get; }

    public PostgresPeers Peers { get; }

    public HostRole Role { get; }

    public Forwarder PartyManagement { get; }

    public Forwarder Shumway { get; }

    /// <summary>Where the database is; null where this user may not mount one.</summary>
    public SmallDisk? Disk { get; }

    public HostProcess[] Hosts { get; }

    public AnswerCounter Answers { get; }

    /// <summary>What all hosts have printed, also those that have ended.</summary>
    public string Output => string.Join('\n', _output.Concat(Hosts.Select(host => host.Output)));

    public static async Task<FaultStand> StartAsync()
    {
        var postgres = await InstalledPostgres.StartAsync();
        var broker = await MockBroker.StartAsync();
        var peers = await PostgresPeers.StartAsync(postgres, broker, broker.BootstrapServers);
        var role = await HostRole.CreateAsync(postgres, peers.ConnectionString);
        var disk = SmallDisk.TryMount();
        if (disk is not null)
        {
            await role.AdministrateAsync($"CREATE TABLESPACE small LOCATION '{disk.Tables}'");
            await role.AdministrateAsync($"ALTER DATABASE {role.Database} SET TABLESPACE small");
        }

        var stand = new FaultStand(
            postgres, broker, peers, role, await Forwarder.StartAsync(peers.Sandbox.PartyManagementUrl), await Forwarder.StartAsync(peers.Sandbox.ShumwayUrl), disk);
        foreach (var host in stand.Hosts)
            await host.UntilReadyAsync();
        return stand;
    }

    /// <summary>A script of this folder.</summary>
    public static string Script(string name) => Path.Combine(Repository.Root, "tests/Host.Tests/Crashes/Faults", name);

    public void StartLoad() => _load = Task.WhenAll(
    [
        .. _callers.Select(caller => Task.Run(() => caller.LiveAsync(_end.Token))),
        .. _onceCallers.Select(caller => Task.Run(() => caller.LiveAsync(_end.Token))),
    ]);

    /// <summary>Ends the load, and waits for the last answers.</summary>
    /// <returns>What each payout is, where its caller was told so, or asks now and finds it is as it may be.</returns>
    public async Task<IReadOnlyDictionary<string, PayoutStatus>> EndLoadAsync()
    {
        await _end.CancelAsync();
        await _load;
        var told = _callers.SelectMany(caller => caller.Told).ToDictionary();
        foreach (var (id, standing) in _onceCallers.SelectMany(caller => caller.Told))
        {
            var status = await _callers[0].GetStatusAsync(id);
            Assert.True(standing.HasFlag(OnceCaller.Of(status)), $"{id} may be {standing} by what its caller was told, and is {OnceCaller.Of(status)}");
            if (status is not null)
                told[id] = status;
        }

        return told;
    }

    public Task<PayoutStatus?> AskAsync(string id) => _callers[0].GetStatusAsync(id);

    /// <summary>Starts a host in the place of one that has ended.</summary>
    public void Replace(int i)
    {
        _output.Add(Hosts[i].Output);
        Hosts[i].Dispose();
        Hosts[i] = StartHost();
    }

    private HostProcess StartHost() => HostProcess.Start(
        Peers,
        ("ConnectionStrings__Payouts", Role.ConnectionString),
        ("PartyManagement__Url", PartyManagement.Url.ToString()),
        ("Shumway__Url", Shumway.Url.ToString()),
        ("Recovery__LeaseDuration", "00:00:02"),
        ("Recovery__ScanInterval", "00:00:00.5"),
        ("PartyManagement__Timeout", "00:00:01"),
        ("Shumway__Timeout", "00:00:01"),
        ("Logging__LogLevel__Default", "Error"));

    /// <summary>What a host says of itself; null if it says nothing.</summary>
    public async Task<Readiness?> ReadAsync(HostProcess host)
    {
        try
        {
            return await Readiness.ReadAsync(_health, host.ManagementUrl);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>How many hosts reach a peer, by their metrics.</summary>
    public async Task<double> CountReachingAsync(string peer)
    {
        var metrics = await Task.WhenAll(Hosts.Select(host => Metrics.ReadAsync(_metrics, host.ManagementUrl)));
        return metrics.Sum(of => of.Sum("payouts_peer_up", ("peer", peer)));
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        foreach (var host in Hosts)
            host.Dispose();
        PartyManagement.Dispose();
        Shumway.Dispose();
        await Peers.DisposeAsync();
        _http.Dispose();
        _health.Dispose();
        _metrics.Dispose();
        _end.Dispose();
        Disk?.Dispose();
    }

    private StormCaller.Target Aim(Random random) => new(_http, Hosts[random.Next(Hosts.Length)].ThriftUrl);
}
