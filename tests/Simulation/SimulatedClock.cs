namespace PayoutManager.Simulation;

/// <summary>
/// A clock that only moves when it is told to. A run is on one thread and asks it all the time, so unlike the one of the test library it
/// never locks and never looks at timers that are not due.
/// </summary>
internal sealed class SimulatedClock(DateTimeOffset start) : TimeProvider
{
    // Far more than all hosts together ask between two ticks.
    private const int MostLooks = 100_000;

    private readonly PriorityQueue<(Timer Timer, int Setting), (long Due, long Order)> _due = new();
    private long _now;
    private long _order;
    private int _looks;

    public DateTimeOffset Start => start;

    public TimeSpan Passed => new(_now);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Whether somebody worked on and on without a pause, so that time could not pass.</summary>
    public bool StoodStill { get; private set; }

    public override long GetTimestamp() => Look();

    public override DateTimeOffset GetUtcNow() => start.AddTicks(Look());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Lets so much time pass, and then calls what is due, in the order of its times.</summary>
    public void Advance(TimeSpan duration)
    {
        _now += duration.Ticks;
        _looks = 0;
        CallDue();
    }

    private long Look()
    {
        if (++_looks <= MostLooks)
            return _now;
        StoodStill = true;
        throw new InvalidOperationException("Time stands still: somebody works on without a pause.");
    }

    private void CallDue()
    {
        while (_due.TryPeek(out var next, out var at) && at.Due <= _now)
        {
            _due.Dequeue();
            next.Timer.Call(next.Setting, at.Due);
        }
    }

    private sealed class Timer(SimulatedClock clock, TimerCallback callback, object? state) : ITimer
    {
        private int _setting;
        private TimeSpan _period;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _setting++;
            _period = period;
            if (dueTime == Timeout.InfiniteTimeSpan)
                return true;
            Set(clock._now + dueTime.Ticks);
            clock.CallDue();
            return true;
        }

        public void Call(int setting, long due)
        {
            if (setting != _setting)
                return;
            if (_period > TimeSpan.Zero)
                Set(due + _period.Ticks);
            callback(state);
        }

        public void Dispose() => _setting++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Set(long due) => clock._due.Enqueue((this, _setting), (due, clock._order++));
    }
}
