using System.Diagnostics.Metrics;
using System.Net.Sockets;
using PayoutManager.Application.Background;
using PayoutManager.Application.Events;
using PayoutManager.Application.Telemetry;
using PayoutManager.Infrastructure;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Infrastructure.Storage;

namespace PayoutManager.Host.Management;

/// <summary>Looks every second whether this host can work, so that whoever asks is answered at once.</summary>
internal sealed class HealthWatch : BackgroundService
{
    private const string Ok = "ok";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan IntervalUntilReady = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(15);

    private readonly DatabaseMigrator _database;
    private readonly KafkaProbe _broker;
    private readonly RelayProgress _relay;
    private readonly DependencyAddresses _dependencies;
    private readonly BackgroundLoops _loops;
    private readonly TimeProvider _clock;
    private readonly Meter _meter = new(PayoutTelemetry.Name);
    private Findings? _latest;
    private volatile bool _stopping;

    public HealthWatch(
        DatabaseMigrator database,
        KafkaProbe broker,
        RelayProgress relay,
        DependencyAddresses dependencies,
        BackgroundLoops loops,
        TimeProvider clock)
    {
        _database = database;
        _broker = broker;
        _relay = relay;
        _dependencies = dependencies;
        _loops = loops;
        _clock = clock;
        _meter.CreateObservableGauge(
            "payouts.peer.up", ObservePeers, description: "Whether a peer can be reached from this host: 1 or 0.");
        _meter.CreateObservableGauge(
            "payouts.ready", () => Judge().IsReady ? 1 : 0, description: "Whether this host is ready: 1 or 0.");
    }

    /// <summary>From now on this host is not ready, whatever its peers are.</summary>
    public void Stopping() => _stopping = true;

    /// <summary>What is known now.</summary>
    public HealthReport Judge()
    {
        if (Volatile.Read(ref _latest) is not { } found)
            return HealthReport.NotReady("starting");
        var age = _clock.GetElapsedTime(found.At);
        if (age > Patience + StuckAfter)
            return HealthReport.NotReady($"nothing was looked at for {age.TotalSeconds:F0} s");

        var stuck = _relay.StuckFor;
        var keptBack = _relay.Blocked;
        var relay = stuck > StuckAfter ? $"stuck for {stuck.TotalSeconds:F0} s"
            : keptBack.Count > 0 ? $"{keptBack.Count} payouts are kept back, such as {keptBack.First().Key}: {keptBack.First().Value}"
            : Ok;
        var needed = found.Database is null && found.Broker is null && stuck <= StuckAfter;
        var all = needed && relay == Ok && found.PartyManagement is null && found.Shumway is null;
        return new HealthReport(
            _stopping ? "stopping" : !needed ? "not ready" : all ? "ready" : "degraded",
            found.Database ?? Ok,
            found.Broker ?? Ok,
            relay,
            found.PartyManagement ?? Ok,
            found.Shumway ?? Ok);
    }

    public override void Dispose()
    {
        _meter.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _loops.RunAsync(
        "health",
        async token =>
        {
            Volatile.Write(ref _latest, await LookAsync(token));
            return Judge().IsReady ? Interval : IntervalUntilReady;
        },
        stoppingToken);

    private async Task<Findings> LookAsync(CancellationToken cancellationToken)
    {
        var at = _clock.GetTimestamp();
        var faults = await Task.WhenAll(
            FindFaultAsync(_database.FindFaultAsync, cancellationToken),
            Task.Run(_broker.FindFault, CancellationToken.None),
            FindFaultAsync(token => ConnectAsync(_dependencies.PartyManagement, token), cancellationToken),
            FindFaultAsync(token => ConnectAsync(_dependencies.Shumway, token), cancellationToken));
        return new Findings(at, faults[0], faults[1], faults[2], faults[3]);
    }

    private async Task<string?> FindFaultAsync(Func<CancellationToken, Task<string?>> look, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            return await look(either.Token).WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            return "out of reach: no answer";
        }
        catch (Exception e)
        {
            // The type alone: a message may name what is nobody's business here.
            return $"out of reach: {e.GetBaseException().GetType().Name}";
        }
    }

    /// <summary>Its protocol has no call that asks for nothing; that it listens has to do.</summary>
    private static async Task<string?> ConnectAsync(Uri url, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(url.IdnHost, url.Port, cancellationToken);
        return null;
    }

    private IEnumerable<Measurement<int>> ObservePeers()
    {
        return Volatile.Read(ref _latest) is { } found
            ?
            [
                Up("database", found.Database), Up("broker", found.Broker),
                Up("party-management", found.PartyManagement), Up("shumway", found.Shumway),
            ]
            : [];

        static Measurement<int> Up(string peer, string? fault) =>
            new(fault is null ? 1 : 0, new KeyValuePair<string, object?>("peer", peer));
    }

    /// <summary>What is wrong with each peer; null where nothing is.</summary>
    private sealed record Findings(long At, string? Database, string? Broker, string? PartyManagement, string? Shumway);
}

/// <summary>Where this host's dependencies are.</summary>
internal sealed record DependencyAddresses(Uri PartyManagement, Uri Shumway)
{
    public DependencyAddresses(DependencyOptions partyManagement, DependencyOptions shumway)
        : this(partyManagement.Url, shumway.Url)
    {
    }
}

/// <summary>Whether a host can work, and what keeps it from it.</summary>
/// <param name="Status">
/// ready; degraded, where it works but not all of its calls will; not ready; starting; stopping.
/// </param>
/// <param name="Database">ok, or what is wrong with it; so with the others.</param>
/// <param name="Broker">The Kafka cluster.</param>
/// <param name="Relay">The relay of events on this host.</param>
/// <param name="PartyManagement">Without it nothing can be created.</param>
/// <param name="Shumway">Without it nothing can be changed.</param>
internal sealed record HealthReport(
    string Status,
    string Database,
    string Broker,
    string Relay,
    string PartyManagement,
    string Shumway)
{
    /// <summary>
    /// Whether calls should come here. A dependency that is down does not count: it is down for every host, and payouts can
    /// still be read.
    /// </summary>
    public bool IsReady => Status is "ready" or "degraded";

    public static HealthReport NotReady(string why) => new("not ready", why, why, why, why, why);
}
