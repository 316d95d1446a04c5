namespace PayoutManager.Infrastructure.Storage.Rows;

/// <summary>The one row of <c>relay_lease</c>: which host sends events.</summary>
internal sealed class RelayLeaseRow
{
    public const int OnlyId = 1;

    public int Id { get; set; }

    public string? Owner { get; set; }

    public DateTime? LeaseUntil { get; set; }
}
