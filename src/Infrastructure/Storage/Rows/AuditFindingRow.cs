namespace PayoutManager.Infrastructure.Storage.Rows;

/// <summary>A row of <c>audit_finding</c>: a payout that did not agree, or could not be compared, at its latest audit.</summary>
internal sealed class AuditFindingRow
{
    public required string PayoutId { get; set; }

    /// <summary>What kinds of disagreement, or why it could not be compared.</summary>
    public required string Kind { get; set; }

    public required string Description { get; set; }

    public bool Disagrees { get; set; }

    /// <summary>What was stored from then on is compared with the topic again.</summary>
    public DateTime Since { get; set; }

    public DateTime FirstSeenAt { get; set; }

    public DateTime LastSeenAt { get; set; }
}
