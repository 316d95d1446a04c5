namespace PayoutManager.Application.Retention;

/// <summary>How long what nothing needs any more is kept.</summary>
public sealed record RetentionOptions
{
    /// <summary>The shortest period there is, other than zero for ever.</summary>
    public static TimeSpan ShortestPeriod { get; } = TimeSpan.FromDays(1);

    /// <summary>How long notes of spent attempts are kept whose id never became a payout. Default 30 days; zero for ever.</summary>
    public TimeSpan SpentAttempts { get; init; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How long the acknowledged history of payouts is kept that are confirmed or cancelled, from their latest change. Default zero, for
    /// ever.
    /// </summary>
    public TimeSpan Events { get; init; } = TimeSpan.Zero;

    /// <summary>How many notes, and payouts, are looked at in a page. Default 100.</summary>
    public int PageSize { get; init; } = 100;

    /// <summary>How long to wait after the last page. Default 1 min.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);
}
