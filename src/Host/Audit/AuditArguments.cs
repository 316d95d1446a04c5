using PayoutManager.Application.Operations;

namespace PayoutManager.Host.Audit;

/// <summary>What the audit is asked to do.</summary>
internal sealed record AuditArguments
{
    /// <summary>The only payout to look at; null for many.</summary>
    public string? PayoutId { get; init; }

    /// <summary>From when on; null for the last 24 h.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Whether all payouts are looked at.</summary>
    public bool IsAll { get; init; }

    /// <summary>Whether to go on where the last look at all payouts was broken off.</summary>
    public bool IsResumed { get; init; }

    /// <summary>Who asks for a repair and why; null where nothing is to be repaired.</summary>
    public Actor? RepairFor { get; init; }

    public bool IsDryRun { get; init; }

    public bool IsJson { get; init; }

    /// <summary>How long all of it may take; infinite where nobody said.</summary>
    public TimeSpan Timeout { get; init; } = System.Threading.Timeout.InfiniteTimeSpan;
}
