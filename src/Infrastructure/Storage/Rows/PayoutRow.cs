using PayoutManager.Domain.Payouts;

namespace PayoutManager.Infrastructure.Storage.Rows;

/// <summary>A row of <c>payout</c>, a table that the incumbent made; only <see cref="HoldAttempt"/> and
/// <see cref="RequestDigest"/> are ours.</summary>
internal sealed class PayoutRow
{
    public long Id { get; set; }

    public int SequenceId { get; set; }

    public required string PayoutId { get; set; }

    /// <summary>UTC, without saying so.</summary>
    public DateTime CreatedAt { get; set; }

    public required string PartyId { get; set; }

    public required string ShopId { get; set; }

    public PayoutState Status { get; set; }

    /// <summary>The predecessor stored payouts without.</summary>
    public string? PayoutToolId { get; set; }

    public long Amount { get; set; }

    public long Fee { get; set; }

    public required string CurrencyCode { get; set; }

    public string? CancelDetails { get; set; }

    public int HoldAttempt { get; set; }

    /// <summary>Stands for the request that created the payout; null in rows from before it was kept.</summary>
    public string? RequestDigest { get; set; }
}
