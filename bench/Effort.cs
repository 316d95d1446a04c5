namespace PayoutManager.Bench;

/// <summary>How much is measured.</summary>
internal sealed record Effort
{
    /// <summary>Rounds that count.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>
    /// Turns that count, where CPU is measured: many and short, since what else goes on on the machine changes within seconds.
    /// </summary>
    public int Turns { get; init; } = 15;

    /// <summary>Turns before, which do not.</summary>
    public int WarmUpTurns { get; init; } = 12;

    /// <summary>Creates in a turn; more of what costs less.</summary>
    public int CallsOfTurn { get; init; } = 1000;

    /// <summary>How long load is kept up, where it is measured by time.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Payouts in the table that counts as a large one.</summary>
    public int ManyPayouts { get; init; } = 5_000_000;

    /// <summary>Events in the backlog.</summary>
    public int Backlog { get; init; } = 200_000;

    /// <summary>Events of payouts of a year.</summary>
    public int History { get; init; } = 10_000_000;

    /// <summary>Events that have not been sent.</summary>
    public int LargeBacklog { get; init; } = 1_000_000;

    /// <summary>Rows that were deleted and are kept by somebody's old snapshot.</summary>
    public int DeadRows { get; init; } = 300_000;

    /// <summary>How long nothing can be sent.</summary>
    public TimeSpan Refusal { get; init; } = TimeSpan.FromMinutes(1);
}
