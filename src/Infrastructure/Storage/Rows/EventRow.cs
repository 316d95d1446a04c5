namespace PayoutManager.Infrastructure.Storage.Rows;

/// <summary>A row of <c>payout_event</c>: each payout's history. No call changes or deletes a row; retention may delete old ones.</summary>
internal sealed class EventRow
{
    public long Id { get; set; }

    public required string PayoutId { get; set; }

    public int SequenceId { get; set; }

    public DateTime CreatedAt { get; set; }

    /// <summary>The record's value, as it is sent.</summary>
    public required byte[] Payload { get; set; }

    /// <summary>By the database's clock, right before the commit.</summary>
    public DateTime StoredAt { get; set; }

    /// <summary>The W3C <c>traceparent</c> of the work that made the change; null where nobody traces.</summary>
    public string? TraceParent { get; set; }

    /// <summary>Who asked for the change; null where nobody said.</summary>
    public string? Actor { get; set; }

    /// <summary>Why, in the words of whoever asked; null for calls that give no reason.</summary>
    public string? Reason { get; set; }
}
