namespace PayoutManager.Simulation;

/// <summary>
/// Runs everything on one thread, in an order that the seed decides: of all continuations that are ready one is drawn,
/// and when none is, time moves on. Nothing of a run depends on the machine.
/// </summary>
internal sealed class Scheduler
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly List<(Actor Actor, SendOrPostCallback Callback, object? State)> _ready = [];

    public Scheduler(int seed) => Random = new Random(seed);

    public Random Random { get; }

    public SimulatedClock Clock { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public TimeSpan Now => Clock.Passed;

    public void Add(Actor actor, SendOrPostCallback callback, object? state) => _ready.Add((actor, callback, state));

    /// <summary>Lets so much time pass.</summary>
    public void RunFor(TimeSpan duration)
    {
        var end = Now + duration;
        while (Now < end)
        {
            while (TryTake(out var next))
                next.Actor.Run(next.Callback, next.State);
            Clock.Advance(Tick);
        }
    }

    private bool TryTake(out (Actor Actor, SendOrPostCallback Callback, object? State) next)
    {
        _ready.RemoveAll(item => item.Actor.HasCrashed);
        var candidates = 0;
        foreach (var item in _ready)
        {
            if (!item.Actor.IsPaused)
                candidates++;
        }

        next = default;
        if (candidates == 0)
            return false;
        var drawn = Random.Next(candidates);
        for (var i = 0; i < _ready.Count; i++)
        {
            if (_ready[i].Actor.IsPaused || drawn-- > 0)
                continue;
            next = _ready[i];
            _ready.RemoveAt(i);
            return true;
        }

        return false;
    }
}

/// <summary>Something that lives, sleeps and dies on its own: a host, a caller, the network.</summary>
internal sealed class Actor(string name, Scheduler scheduler) : SynchronizationContext
{
    private TimeSpan _pausedUntil;

    public string Name => name;

    /// <summary>Nothing of a crashed actor ever runs again.</summary>
    public bool HasCrashed { get; private set; }

    public bool IsPaused => scheduler.Now < _pausedUntil;

    public void Crash() => HasCrashed = true;

    public void PauseFor(TimeSpan duration) => _pausedUntil = scheduler.Now + duration;

    public void Wake() => _pausedUntil = TimeSpan.Zero;

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (!HasCrashed)
            scheduler.Add(this, d, state);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing here blocks.");

    /// <summary>Begins work on this actor's behalf.</summary>
    public void Start(Func<Task> work) => Post(_ => work(), null);

    public void Run(SendOrPostCallback callback, object? state)
    {
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            callback(state);
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }
}
