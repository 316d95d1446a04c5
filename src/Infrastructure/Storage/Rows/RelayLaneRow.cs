namespace PayoutManager.Infrastructure.Storage.Rows;

/// <summary>A row of <c>relay_lane</c>: which host sends the events of a lane.</summary>
internal sealed class RelayLaneRow
{
    public short Lane { get; set; }

    public string? Owner { get; set; }

    public DateTime? LeaseUntil { get; set; }
}
