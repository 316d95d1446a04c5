using System.Diagnostics.Metrics;
using PayoutManager.Application.Background;
using PayoutManager.Application.Events;
using PayoutManager.Application.Ports;

namespace PayoutManager.Application.Telemetry;

/// <summary>
/// Keeps the figures of what is under way and waiting. They are the database's, the same on every host; while it is out of
/// reach there are none, rather than old ones.
/// </summary>
public sealed class BacklogWatch : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly IBacklog _backlog;
    private readonly BackgroundLoops _loops;
    private readonly TimeProvider _clock;
    private readonly Meter _meter = new(PayoutTelemetry.Name);
    private Backlog? _latest;

    /// <summary>A watch over the whole service.</summary>
    public BacklogWatch(IBacklog backlog, RelayProgress relay, BackgroundLoops loops, TimeProvider clock)
    {
        _backlog = backlog;
        _loops = loops;
        _clock = clock;
        _meter.CreateObservableGauge(
            "payouts.operations", () => OfOperations(q => q.Count), "{operation}", "Operations under way, by kind.");
        _meter.CreateObservableGauge(
            "payouts.operations.oldest.age", () => OfOperations(q => q.OldestAge.TotalSeconds), "s", "Age of the oldest operation, by kind.");
        _meter.CreateObservableGauge(
            "payouts.operations.troubled", OfTroubled, "{operation}", "Operations that recovery has failed to finish.");
        _meter.CreateObservableGauge(
            "payouts.events.unpublished", () => OfEvents(q => q.Count), "{event}", "Events that are not acknowledged yet.");
        _meter.CreateObservableGauge(
            "payouts.events.oldest.age", () => OfEvents(q => q.OldestAge.TotalSeconds), "s", "Age of the oldest event that is not acknowledged yet.");
        _meter.CreateObservableGauge(
            "payouts.relay.lanes", () => relay.State.Lanes.Length, "{lane}", "Lanes of the outbox whose events this host sends.");
        _meter.CreateObservableGauge(
            "payouts.relay.lanes.waiting", () => relay.State.Waiting.Count, "{lane}", "Lanes of this host of which the broker refuses everything.");
        _meter.CreateObservableGauge(
            "payouts.relay.blocked", () => relay.State.BlockedCount, "{payout}", "Payouts of this host's lanes whose next event the broker refuses.");
    }

    /// <summary>The figures as they were at the latest look; null if the database was not reached.</summary>
    public Backlog? Latest => Volatile.Read(ref _latest);

    /// <summary>Looks at every interval until told to stop.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        PayoutTelemetry.ShowZeroes();
        return _loops.RunAsync("backlog", LookAsync, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private async Task<TimeSpan> LookAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Interval, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        Backlog? latest = null;
        try
        {
            latest = await _backlog.ReadAsync(either.Token);
        }
        finally
        {
            Volatile.Write(ref _latest, latest);
        }

        return Interval;
    }

    private IEnumerable<Measurement<double>> OfOperations(Func<Waiting, double> figure) => Latest is { } latest
        ? PayoutTelemetry.Kinds.Select(kind => new Measurement<double>(
            figure(latest.Operations.GetValueOrDefault(kind)), new KeyValuePair<string, object?>("kind", kind)))
        : [];

    private IEnumerable<Measurement<long>> OfTroubled() =>
        Latest is { } latest ? [new Measurement<long>(latest.Troubled.Count)] : [];

    private IEnumerable<Measurement<double>> OfEvents(Func<Waiting, double> figure) =>
        Latest is { } latest ? [new Measurement<double>(figure(latest.Events))] : [];
}
