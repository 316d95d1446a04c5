using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using PayoutManager.Application.Background;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Telemetry;

namespace PayoutManager.Application.Tests;

public sealed class BackgroundLoopsTests : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly LinesLogger _log = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly BackgroundLoops _loops;

    public BackgroundLoopsTests() => _loops = new BackgroundLoops(_clock, _log, new Random(1));

    public void Dispose()
    {
        _loops.Dispose();
        _stop.Dispose();
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(OperationCanceledException))]
    [InlineData(typeof(OutOfMemoryException))]
    [InlineData(typeof(ObjectDisposedException))]
    public async Task Whatever_a_round_throws_the_loop_goes_on_and_says_that_it_fails(Type type)
    {
        var rounds = 0;
        var e = type == typeof(ObjectDisposedException)
            ? new ObjectDisposedException("it")
            : (Exception)Activator.CreateInstance(type, "broken")!;
        var loop = _loops.RunAsync("work", _ => ++rounds == 1 ? throw e : Task.FromResult(Pause), _stop.Token);

        Assert.Equal(new LoopFailure(e.Message, _clock.Start, 1), _loops.Failing["work"]);
        await PassUntilAsync(() => rounds == 2);

        Assert.Empty(_loops.Failing);
        await _stop.CancelAsync();
        await loop;
    }

    [Fact]
    public async Task Pauses_grow_after_failures_up_to_the_longest_and_are_jittered()
    {
        List<DateTimeOffset> tries = [];
        var loop = _loops.RunAsync(
            "work",
            _ =>
            {
                tries.Add(_clock.GetUtcNow());
                throw new NotDoneException("down");
            },
            _stop.Token);
        await PassUntilAsync(() => tries.Count == 40);
        await _stop.CancelAsync();
        await loop;

        // Time passes in steps of 10 ms.
        var pauses = tries.Zip(tries.Skip(1), (from, to) => to - from).ToList();
        for (var i = 0; i < pauses.Count; i++)
        {
            var longest = TimeSpan.FromMilliseconds(Math.Min(100 * Math.Pow(2, i), 2000));
            Assert.InRange(pauses[i], longest / 2, longest + TimeSpan.FromMilliseconds(10));
        }

        Assert.True(pauses[^10..].Distinct().Count() > 3);
        Assert.Equal(new LoopFailure("down", _clock.Start, 40), _loops.Failing["work"]);
    }

    [Fact]
    public async Task A_loop_may_have_a_longest_pause_of_its_own_and_never_overflows()
    {
        List<DateTimeOffset> tries = [];
        var loop = _loops.RunAsync(
            "work",
            _ =>
            {
                tries.Add(_clock.GetUtcNow());
                throw new NotDoneException("down");
            },
            _stop.Token,
            longestPause: TimeSpan.FromHours(1));
        while (tries.Count < 100)
            await PassAsync(TimeSpan.FromMinutes(1));
        await _stop.CancelAsync();
        await loop;

        Assert.InRange(tries[^1] - tries[^2], TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(61));
    }

    [Fact]
    public async Task A_repeated_failure_is_one_line_in_a_minute_with_its_count_and_its_end_is_another()
    {
        var works = false;
        var loop = _loops.RunAsync(
            "work", _ => works ? Task.FromResult(Pause) : throw new NotDoneException("the database is away"), _stop.Token);
        var line = Assert.Single(_log.Lines);
        Assert.Equal(
            (LogLevel.Warning, "Background work work fails (1 in a row since 03:04:05Z); will try again: the database is away", null),
            (line.Level, line.Text, line.Stack));

        await PassUntilAsync(() => _log.Lines.Count == 2);
        Assert.InRange(_clock.GetUtcNow() - _clock.Start, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1.1));
        Assert.Matches(@"^Background work work fails \(\d\d in a row since 03:04:05Z\); will try again: the database is away$", _log.Lines[1].Text);
        works = true;
        await PassUntilAsync(() => _log.Lines.Count == 3);

        Assert.Equal(LogLevel.Information, _log.Lines[2].Level);
        Assert.Matches(@"^Background work work works again after \d\d failures since 03:04:05Z$", _log.Lines[2].Text);
        await _stop.CancelAsync();
        await loop;
    }

    [Fact]
    public async Task A_loop_that_fails_every_other_time_logs_no_more_than_one_that_always_fails()
    {
        var rounds = 0;
        var loop = _loops.RunAsync(
            "work", _ => rounds++ % 2 == 0 ? throw new NotDoneException("down") : Task.FromResult(TimeSpan.FromMilliseconds(10)), _stop.Token);
        await PassUntilAsync(() => rounds == 100);
        await _stop.CancelAsync();
        await loop;

        Assert.Equal(2, _log.Lines.Count);
    }

    [Fact]
    public async Task An_unexpected_failure_shows_its_stack()
    {
        var e = new InvalidOperationException("a mistake");
        await RunOnceAsync(() => throw e);

        Assert.Same(e, Assert.Single(_log.Lines).Stack);
    }

    [Fact]
    public async Task What_a_round_throws_because_it_is_told_to_stop_is_no_failure()
    {
        var loop = _loops.RunAsync(
            "work",
            async token =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, _clock, token);
                return Pause;
            },
            _stop.Token);
        await _stop.CancelAsync();
        await loop;

        Assert.Empty(_loops.Failing);
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task A_loop_ends_by_itself_after_a_round_that_wants_no_other()
    {
        var rounds = 0;
        await _loops.RunAsync(
            "work",
            _ =>
            {
                rounds++;
                return Task.FromResult(Timeout.InfiniteTimeSpan);
            },
            _stop.Token);

        Assert.Equal(1, rounds);
    }

    [Fact]
    public async Task A_long_round_can_say_that_it_works_again()
    {
        var rounds = 0;
        var loop = _loops.RunAsync(
            "work",
            async token =>
            {
                if (++rounds == 1)
                    throw new NotDoneException("down");
                _loops.Succeeded("work");
                await Task.Delay(Timeout.InfiniteTimeSpan, _clock, token);
                return Pause;
            },
            _stop.Token);
        await PassUntilAsync(() => rounds == 2);

        Assert.Empty(_loops.Failing);
        await _stop.CancelAsync();
        await loop;
    }

    [Fact]
    public async Task A_metric_tells_of_each_loop_whether_it_fails()
    {
        Dictionary<string, int> measured = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument is { Meter.Name: PayoutTelemetry.Name, Name: "payouts.loop.failing" })
                l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<int>((_, value, tags, _) => measured[(string)tags[0].Value!] = value);
        listener.Start();
        var good = _loops.RunAsync("metric-good", _ => Task.FromResult(Pause), _stop.Token);
        var bad = _loops.RunAsync("metric-bad", _ => throw new NotDoneException("down"), _stop.Token);

        listener.RecordObservableInstruments();

        Assert.Equal((0, 1), (measured["metric-good"], measured["metric-bad"]));
        await _stop.CancelAsync();
        await Task.WhenAll(good, bad);
    }

    private async Task RunOnceAsync(Func<Task<TimeSpan>> round)
    {
        var loop = _loops.RunAsync("work", _ => round(), _stop.Token);
        await _stop.CancelAsync();
        await loop;
    }

    private async Task PassUntilAsync(Func<bool> isSo)
    {
        for (var i = 0; i < 20_000 && !isSo(); i++)
            await PassAsync(TimeSpan.FromMilliseconds(10));
        Assert.True(isSo());
    }

    private async Task PassAsync(TimeSpan time)
    {
        _clock.Advance(time);
        for (var i = 0; i < 3; i++)
            await Task.Yield();
    }

    private sealed class LinesLogger : ILogger<BackgroundLoops>
    {
        public List<(LogLevel Level, string Text, Exception? Stack)> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add((logLevel, formatter(state, exception), exception));
    }
}
