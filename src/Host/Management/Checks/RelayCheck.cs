using PayoutManager.Application.Events;

namespace PayoutManager.Host.Management.Checks;

/// <summary>Events get through to the broker, all of them.</summary>
internal sealed class RelayCheck(RelayProgress relay) : PartCheck
{
    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(3);

    protected override Task<string?> FindFaultAsync(CancellationToken cancellationToken)
    {
        var stuck = relay.StuckFor;
        var state = relay.State;
        return Task.FromResult(
            stuck > StuckAfter ? $"stuck for {stuck.TotalSeconds:F0} s"
            : state.Waiting.Count > 0 ? $"{state.Waiting.Count} lanes wait, since everything is refused: {state.Waiting.First().Value}"
            : state.BlockedCount > 0 ? $"{state.BlockedCount} payouts are kept back, such as {state.Blocked.First().Key}: {state.Blocked.First().Value}"
            : null);
    }
}
