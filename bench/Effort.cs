namespace PayoutManager.Bench;

/// <summary>How much is measured.</summary>
internal sealed record Effort
{
    /// <summary>Rounds that count.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>Rounds before, which do not.</summary>
    public int WarmUpRounds { get; init; } = 4;

    /// <summary>Calls of each kind in a round.</summary>
    public int CallsOfRound { get; init; } = 3000;

    /// <summary>How long load is kept up, where it is measured by time.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Payouts in the table that counts as a large one.</summary>
    public int ManyPayouts { get; init; } = 5_000_000;

    /// <summary>Events in the backlog.</summary>
    public int Backlog { get; init; } = 200_000;
}
