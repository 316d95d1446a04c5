using PayoutManager.Application.Background;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Telemetry;

namespace PayoutManager.Application.Retention;

/// <summary>
/// Deletes what is older than it is to be kept, for as long as the host runs. One host does it, the one that sends the events of the
/// first lane; that two do for a while, while a lane changes hands, is harmless.
/// </summary>
public sealed class RetentionWork
{
    private const string SpentAttempts = "spent attempts";
    private const string Events = "events";

    // A page takes milliseconds. With four times as long between two pages, the database has them as a fifth of one connection's work.
    private const int PauseByPage = 4;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);

    // Costs nothing but a look at what the relay says.
    private static readonly TimeSpan UntilLaneIsHeld = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PageTimeLimit = TimeSpan.FromSeconds(10);

    /// <summary>What can be too old, as metrics name it.</summary>
    internal static readonly string[] Kinds = [SpentAttempts, Events];

    private readonly IRetention _retention;
    private readonly RelayProgress _relay;
    private readonly BackgroundLoops _loops;
    private readonly TimeProvider _clock;
    private readonly RetentionOptions _options;

    /// <summary>Work that follows these periods.</summary>
    public RetentionWork(
        IRetention retention, RelayProgress relay, BackgroundLoops loops, TimeProvider clock, RetentionOptions options) =>
        (_retention, _relay, _loops, _clock, _options) = (retention, relay, loops, clock, options);

    /// <summary>Deletes until told to stop; returns at once where everything is kept for ever.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (_options.SpentAttempts > TimeSpan.Zero || _options.Events > TimeSpan.Zero)
            await _loops.RunAsync("retention", RunRoundAsync, cancellationToken, longestPause: _options.Interval);
    }

    /// <returns>The pause until the next round.</returns>
    private async Task<TimeSpan> RunRoundAsync(CancellationToken cancellationToken)
    {
        if (!_relay.State.Lanes.Contains(0))
            return UntilLaneIsHeld;
        var began = _clock.GetTimestamp();
        var isLast = await PruneAsync(
            SpentAttempts,
            _options.SpentAttempts,
            token => _retention.PruneSpentAttemptsAsync(_options.SpentAttempts, PlanMoves.MaxNewAttempts, _options.PageSize, token),
            cancellationToken);
        isLast &= await PruneAsync(
            Events,
            _options.Events,
            token => _retention.PruneEventsAsync(_options.Events, _options.PageSize, token),
            cancellationToken);
        if (isLast)
            return _options.Interval;
        var pause = _clock.GetElapsedTime(began) * PauseByPage;
        return pause > ShortestPause ? pause : ShortestPause;
    }

    /// <returns>Whether there is no more to look at for now.</returns>
    private async Task<bool> PruneAsync(
        string what, TimeSpan period, Func<CancellationToken, Task<PrunedPage>> pruneAsync, CancellationToken cancellationToken)
    {
        if (period == TimeSpan.Zero)
            return true;
        using var timeLimit = new CancellationTokenSource(PageTimeLimit, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeLimit.Token);
        var page = await pruneAsync(either.Token);
        PayoutTelemetry.Pruned(what, page.Deleted, page.IsLast);
        return page.IsLast;
    }
}
