using System.Collections.Immutable;

namespace PayoutManager.Application.Events;

/// <summary>How this host's relay is getting on, for health and metrics.</summary>
/// <param name="clock">Measures how long it has been stuck.</param>
public sealed class RelayProgress(TimeProvider clock)
{
    private readonly Lock _lock = new();
    private RelayState _state = RelayState.Nothing;
    private long _movedAt = clock.GetTimestamp();

    /// <summary>What this host has to send and what keeps it from it.</summary>
    public RelayState State => Volatile.Read(ref _state);

    /// <summary>
    /// How long ago the relay last made progress: looked for work while nothing was on its way, or had something acknowledged. It grows
    /// while its database is out of reach or what it has sent is not answered.
    /// </summary>
    public TimeSpan StuckFor
    {
        get
        {
            lock (_lock)
                return clock.GetElapsedTime(_movedAt);
        }
    }

    internal void Became(RelayState state) => Volatile.Write(ref _state, state);

    internal void Moved()
    {
        lock (_lock)
            _movedAt = clock.GetTimestamp();
    }
}

/// <summary>What a host's relay has to send, and what keeps it from it.</summary>
/// <param name="Lanes">The lanes whose events this host sends.</param>
/// <param name="Waiting">Those of them that wait because the broker refuses everything of them, and why.</param>
/// <param name="BlockedCount">How many payouts have to wait because the broker refuses their next event.</param>
/// <param name="Blocked">Some of them, and why.</param>
public sealed record RelayState(
    ImmutableArray<int> Lanes,
    ImmutableDictionary<int, string> Waiting,
    int BlockedCount,
    ImmutableDictionary<string, string> Blocked)
{
    internal const int MostShown = 10;

    internal static RelayState Nothing { get; } =
        new([], ImmutableDictionary<int, string>.Empty, 0, ImmutableDictionary<string, string>.Empty);
}
