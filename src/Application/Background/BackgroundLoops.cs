using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Telemetry;

namespace PayoutManager.Application.Background;

/// <summary>
/// The only way in which work runs in the background: round after round, whatever a round ends with. A round that fails is counted,
/// logged in one line per interval, and tried again after a pause that grows.
/// </summary>
public sealed class BackgroundLoops : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Loop> _loops = [];
    private readonly TimeProvider _clock;
    private readonly ILogger<BackgroundLoops> _logger;
    private readonly Random _jitter;
    private readonly Meter _meter = new(PayoutTelemetry.Name);

    /// <summary>Loops on a clock.</summary>
    /// <param name="clock">Measures pauses and times of failure.</param>
    /// <param name="logger">Is told of failures.</param>
    /// <param name="jitter">Shortens pauses, so that hosts do not repeat in step; null for one that nobody can foretell.</param>
    public BackgroundLoops(TimeProvider clock, ILogger<BackgroundLoops> logger, Random? jitter = null)
    {
        _clock = clock;
        _logger = logger;
        _jitter = jitter ?? Random.Shared;
        _meter.CreateObservableGauge(
            "payouts.loop.failing",
            () => _loops.Select(loop => new Measurement<int>(
                loop.Value.Failure is null ? 0 : 1, new KeyValuePair<string, object?>("loop", loop.Key))),
            description: "Whether the latest round of a background loop has failed: 1 or 0.");
    }

    /// <summary>
    /// The longest pause after a failure, unless a loop has another. It is short: what waits for a part that is down should go on
    /// within seconds once the part is back.
    /// </summary>
    public static TimeSpan LongestPause { get; } = TimeSpan.FromSeconds(2);

    /// <summary>The loops whose latest round has failed, by name.</summary>
    public IReadOnlyDictionary<string, LoopFailure> Failing => _loops
        .Where(loop => loop.Value.Failure is not null)
        .ToDictionary(loop => loop.Key, loop => loop.Value.Failure!);

    /// <summary>Runs rounds until told to stop. Never throws.</summary>
    /// <param name="name">What metrics, health and log call the loop.</param>
    /// <param name="round">One round. Returns the pause until the next; infinite if there is to be no other.</param>
    /// <param name="stop">Ends the loop.</param>
    /// <param name="longestPause">The longest pause after a failure; null for <see cref="LongestPause"/>.</param>
    public async Task RunAsync(
        string name, Func<CancellationToken, Task<TimeSpan>> round, CancellationToken stop, TimeSpan? longestPause = null)
    {
        _loops[name] = new Loop();
        while (!stop.IsCancellationRequested)
        {
            TimeSpan pause;
            try
            {
                pause = await round(stop);
                Succeeded(name);
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                pause = Fail(name, e, longestPause ?? LongestPause);
            }

            if (pause == Timeout.InfiniteTimeSpan)
                return;
            await Task.Delay(pause, _clock, stop)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    /// <summary>Says that a loop works, for rounds that go on for long.</summary>
    public void Succeeded(string name)
    {
        var loop = _loops.GetOrAdd(name, static _ => new Loop());
        if (loop.Failure is not { } failure)
            return;
        loop.Failure = null;
        if (loop.IsLogged)
            BackgroundLog.WorksAgain(_logger, name, failure.Times, failure.Since);
        loop.IsLogged = false;
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    /// <returns>The pause until the next try.</returns>
    private TimeSpan Fail(string name, Exception e, TimeSpan longestPause)
    {
        var loop = _loops[name];
        var failure = new LoopFailure(
            Explanation.Of(e), loop.Failure?.Since ?? _clock.GetUtcNow(), (loop.Failure?.Times ?? 0) + 1);
        loop.Failure = failure;
        if (loop.LoggedAt is not { } loggedAt || _clock.GetElapsedTime(loggedAt) >= LogInterval)
        {
            loop.LoggedAt = _clock.GetTimestamp();
            loop.IsLogged = true;
            BackgroundLog.Fails(_logger, name, failure.Times, failure.Since, failure.Reason, Explanation.StackOf(e));
        }

        // Bounded, since a time that doubles for ever overflows.
        var grown = FirstPause * Math.Pow(2, Math.Min(failure.Times - 1, 20));
        return (grown < longestPause ? grown : longestPause) * (0.5 + (_jitter.NextDouble() / 2));
    }

    /// <summary>How a loop is. Its own rounds write it, one at a time; anybody may read the failure.</summary>
    private sealed class Loop
    {
        private LoopFailure? _failure;

        public LoopFailure? Failure
        {
            get => Volatile.Read(ref _failure);
            set => Volatile.Write(ref _failure, value);
        }

        public long? LoggedAt { get; set; }

        /// <summary>Whether the present failure was logged, so that its end is, too.</summary>
        public bool IsLogged { get; set; }
    }
}

/// <summary>A background loop whose latest round has failed.</summary>
/// <param name="Reason">Why, in one line.</param>
/// <param name="Since">When the first of the failures in a row came.</param>
/// <param name="Times">How many failures there were in a row.</param>
public sealed record LoopFailure(string Reason, DateTimeOffset Since, int Times);

internal static partial class BackgroundLog
{
    [LoggerMessage(50, LogLevel.Warning, "Background work {Loop} fails ({Times} in a row since {Since:HH:mm:ss}Z); will try again: {Reason}")]
    public static partial void Fails(
        ILogger logger, string loop, int times, DateTimeOffset since, string reason, Exception? unexpected);

    [LoggerMessage(51, LogLevel.Information, "Background work {Loop} works again after {Times} failures since {Since:HH:mm:ss}Z")]
    public static partial void WorksAgain(ILogger logger, string loop, int times, DateTimeOffset since);
}
