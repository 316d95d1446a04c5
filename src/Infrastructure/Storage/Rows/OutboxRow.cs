namespace PayoutManager.Infrastructure.Storage.Rows;

/// <summary>A row of <c>event_outbox</c>: an event that the broker has not acknowledged.</summary>
internal sealed class OutboxRow
{
    public required string PayoutId { get; set; }

    public int SequenceId { get; set; }

    /// <summary>Tells it from an earlier row of the same event, which was sent again.</summary>
    public long Id { get; set; }

    public short Lane { get; set; }

    /// <summary>The record's value, as it is sent.</summary>
    public required byte[] Payload { get; set; }

    /// <summary>The W3C <c>traceparent</c> of the work that made the change; null where nobody traces.</summary>
    public string? TraceParent { get; set; }

    /// <summary>By the database's clock, right before the commit.</summary>
    public DateTime StoredAt { get; set; }
}
