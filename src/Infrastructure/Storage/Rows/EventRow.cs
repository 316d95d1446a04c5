namespace PayoutManager.Infrastructure.Storage.Rows;

/// <summary>A row of <c>payout_event</c>: the outbox, and each payout's history.</summary>
internal sealed class EventRow
{
    public long Id { get; set; }

    public required string PayoutId { get; set; }

    public int SequenceId { get; set; }

    public DateTime CreatedAt { get; set; }

    /// <summary>The record's value, as it is sent.</summary>
    public required byte[] Payload { get; set; }

    public DateTime? PublishedAt { get; set; }
}
