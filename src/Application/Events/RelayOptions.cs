namespace PayoutManager.Application.Events;

/// <summary>How events are relayed to the topic.</summary>
public sealed record RelayOptions
{
    /// <summary>How long a host may send the events of a lane without a sign of life. Default 15 s.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often a host looks which others are there and who has which lane. Default 1 s.</summary>
    public TimeSpan LookInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the table is looked at when no commit on this host wakes the relay. Default 100 ms.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The least time from one round of marking, reading and sending to the next, so that rounds under load are of many events.
    /// What comes after a pause is sent at once. Default 20 ms.
    /// </summary>
    public TimeSpan Pace { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a refused event, or a lane of which the broker refuses everything, waits at first. Default 1 s.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a refused event waits at the most; each pause is twice the one before. Default 1 min.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a lane waits at the most of which the broker refuses everything. Default 5 s.</summary>
    public TimeSpan LongestLanePause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many events are read at once. Default 1,000.</summary>
    public int BatchSize { get; init; } = 1000;

    /// <summary>How many events may be on their way at once. Default 5,000.</summary>
    public int MaxInFlight { get; init; } = 5000;

    /// <summary>
    /// How long a relay that stops, or gives a lane to another host, waits for acknowledgements of what is on its way. Default 5 s.
    /// </summary>
    public TimeSpan ClosingTime { get; init; } = TimeSpan.FromSeconds(5);
}
