using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using PayoutManager.Application.Background;
using PayoutManager.Application.Telemetry;
using PayoutManager.Host.Hosting;

namespace PayoutManager.Host.Management;

/// <summary>Checks every second whether this host can work, so that whoever asks is answered at once.</summary>
internal sealed class HealthWatch : HealthCheckService, IHostedService, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan IntervalUntilReady = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan TooOld = TimeSpan.FromSeconds(15);

    private readonly HealthCheckService _checks;
    private readonly BackgroundLoops _loops;
    private readonly TimeProvider _clock;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILogger<HealthWatch> _logger;
    private readonly Meter _meter = new(PayoutTelemetry.Name);
    private readonly CancellationTokenSource _stop = new();
    private Task _looking = Task.CompletedTask;
    private Look? _latest;
    private string? _told;
    private volatile bool _stopping;

    public HealthWatch(
        HealthCheckService checks,
        BackgroundLoops loops,
        TimeProvider clock,
        IHostApplicationLifetime lifetime,
        ILogger<HealthWatch> logger)
    {
        _checks = checks;
        _loops = loops;
        _clock = clock;
        _lifetime = lifetime;
        _logger = logger;
        _meter.CreateObservableGauge(
            "payouts.peer.up", ObservePeers, description: "Whether a peer can be reached from this host, and does what it is asked: 1 or 0.");
        _meter.CreateObservableGauge(
            "payouts.ready", () => IsReady ? 1 : 0, description: "Whether this host is ready: 1 or 0.");
    }

    /// <summary>In a word: ready; degraded, where it works but not all will be well; not ready; starting; stopping.</summary>
    public string Status => _stopping ? "stopping"
        : Volatile.Read(ref _latest) is null ? "starting"
        : Report().Status switch
        {
            HealthStatus.Healthy => "ready",
            HealthStatus.Degraded => "degraded",
            _ => "not ready",
        };

    /// <summary>Whether calls should come here.</summary>
    public bool IsReady => Report().Status != HealthStatus.Unhealthy;

    /// <summary>From now on this host is not ready, whatever its parts are.</summary>
    public void Stopping() => _stopping = true;

    /// <summary>The latest report.</summary>
    public override Task<HealthReport> CheckHealthAsync(
        Func<HealthCheckRegistration, bool>? predicate, CancellationToken cancellationToken = default) => Task.FromResult(Report());

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _looking = _loops.RunAsync("health", LookAsync, _stop.Token);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _looking.WaitAsync(cancellationToken);
    }

    public void Dispose()
    {
        _meter.Dispose();
        _stop.Dispose();
    }

    private async Task<TimeSpan> LookAsync(CancellationToken cancellationToken)
    {
        var at = _clock.GetTimestamp();
        Volatile.Write(ref _latest, new Look(at, await _checks.CheckHealthAsync(cancellationToken)));
        Tell();
        return IsReady && _told is not null ? Interval : IntervalUntilReady;
    }

    /// <summary>Says in the log when the status has become another.</summary>
    private void Tell()
    {
        var (status, report) = (Status, Report());
        // Nobody can call before the host listens.
        if (status == _told || _stopping || !_lifetime.ApplicationStarted.IsCancellationRequested)
            return;
        _told = status;
        if (report.Status == HealthStatus.Healthy)
            HostLog.Ready(_logger);
        else
            HostLog.NotReady(_logger, status, string.Join("; ", report.Entries.Where(part => part.Value.Status != HealthStatus.Healthy).Select(InWords)));
    }

    /// <summary>Background work has lines of its own that say why it fails.</summary>
    private static string InWords(KeyValuePair<string, HealthReportEntry> part) =>
        part.Key == HealthServices.Background ? $"{part.Key}: fails" : $"{part.Key}: {part.Value.Description}";

    private HealthReport Report()
    {
        if (Volatile.Read(ref _latest) is not { } latest)
            return NotReady("starting");
        var age = _clock.GetElapsedTime(latest.At);
        return age > TooOld ? NotReady($"nothing was looked at for {age.TotalSeconds:F0} s")
            : _stopping ? new HealthReport(latest.Report.Entries, HealthStatus.Unhealthy, latest.Report.TotalDuration)
            : latest.Report;
    }

    private static HealthReport NotReady(string why) => new(
        HealthServices.Parts.ToDictionary(
            part => part, _ => new HealthReportEntry(HealthStatus.Unhealthy, why, TimeSpan.Zero, exception: null, data: null)),
        TimeSpan.Zero);

    private IEnumerable<Measurement<int>> ObservePeers() => Volatile.Read(ref _latest) is { } latest
        ? HealthServices.PeerNames.Select(peer => new Measurement<int>(
            latest.Report.Entries[peer.Key].Status == HealthStatus.Healthy ? 1 : 0,
            new KeyValuePair<string, object?>("peer", peer.Value)))
        : [];

    private sealed record Look(long At, HealthReport Report);
}
