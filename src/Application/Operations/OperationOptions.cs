namespace PayoutManager.Application.Operations;

/// <summary>How operations are leased, renewed and recovered.</summary>
public sealed record OperationOptions
{
    /// <summary>How long an operation is its owner's without a sign of life. Default 15 s, at least 1 s.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often each host looks for operations to take over. Default 2 s.</summary>
    public TimeSpan ScanInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long recovery leaves an operation alone after the first failed try; doubled with each further one. Default 2 s.</summary>
    public TimeSpan ShortestPause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long recovery leaves an operation alone at the most. Where nothing answered it is never longer than a lease. Default 5 min.
    /// </summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a call waits for another operation of the same payout before it answers not done. Default 2 s.</summary>
    public TimeSpan BusyWait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long the last writes of an operation may take once the caller's deadline has passed. Default 5 s.
    /// </summary>
    public TimeSpan ClosingTime { get; init; } = TimeSpan.FromSeconds(5);
}
