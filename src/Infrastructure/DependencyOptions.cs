namespace PayoutManager.Infrastructure;

/// <summary>Where a dependency is, and how long to wait for it.</summary>
public sealed record DependencyOptions
{
    /// <summary>The service's address.</summary>
    public required Uri Url { get; init; }

    /// <summary>How long to wait for each answer. Default 5 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);
}
