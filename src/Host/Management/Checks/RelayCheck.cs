using PayoutManager.Application.Events;

namespace PayoutManager.Host.Management.Checks;

/// <summary>Events get through to the broker, all of them.</summary>
internal sealed class RelayCheck(RelayProgress relay) : PartCheck
{
    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(15);

    protected override Task<string?> FindFaultAsync(CancellationToken cancellationToken)
    {
        var stuck = relay.StuckFor;
        var keptBack = relay.Blocked;
        return Task.FromResult(
            stuck > StuckAfter ? $"stuck for {stuck.TotalSeconds:F0} s"
            : keptBack.Count > 0 ? $"{keptBack.Count} payouts are kept back, such as {keptBack.First().Key}: {keptBack.First().Value}"
            : null);
    }
}
