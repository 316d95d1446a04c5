namespace PayoutManager.Application.Events;

/// <summary>How events are relayed to the topic.</summary>
public sealed record RelayOptions
{
    /// <summary>How long a host stays the one that sends without a sign of life. Default 15 s.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often the table is looked at when no commit on this host wakes the relay. Default 100 ms.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The least time from one round of marking, reading and sending to the next, so that rounds under load are of many events.
    /// What comes after a pause is sent at once. Default 20 ms.
    /// </summary>
    public TimeSpan Pace { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a payout waits after one of its events could not be sent. Default 1 s.</summary>
    public TimeSpan RetryPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How many events are read at once. Default 1,000.</summary>
    public int BatchSize { get; init; } = 1000;

    /// <summary>How many events may be on their way at once. Default 5,000.</summary>
    public int MaxInFlight { get; init; } = 5000;

    /// <summary>How long a stopping relay waits for acknowledgements of what is on its way. Default 5 s.</summary>
    public TimeSpan ClosingTime { get; init; } = TimeSpan.FromSeconds(5);
}
