namespace PayoutManager.Infrastructure.Storage.Rows;

/// <summary>A row of <c>audit_progress</c>: how far an audit has come, and which host makes it.</summary>
internal sealed class AuditProgressRow
{
    public required string Scope { get; set; }

    /// <summary>When the last event was stored that is audited.</summary>
    public DateTime StoredAt { get; set; }

    public long EventId { get; set; }

    /// <summary>The last payout without events that is audited; empty before the first; null as long as events are left.</summary>
    public string? PayoutId { get; set; }

    public string? Owner { get; set; }

    public DateTime? LeaseUntil { get; set; }
}
