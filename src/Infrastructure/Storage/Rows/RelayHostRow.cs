namespace PayoutManager.Infrastructure.Storage.Rows;

/// <summary>A row of <c>relay_host</c>: a host that sends events, also while it has no lane.</summary>
internal sealed class RelayHostRow
{
    public required string Owner { get; set; }

    public DateTime PresentUntil { get; set; }
}
