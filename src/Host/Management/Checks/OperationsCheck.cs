using PayoutManager.Application.Telemetry;

namespace PayoutManager.Host.Management.Checks;

/// <summary>No operation is troubled: recovery finishes each at its first try.</summary>
internal sealed class OperationsCheck(BacklogWatch backlog) : PartCheck
{
    protected override Task<string?> FindFaultAsync(CancellationToken cancellationToken) => Task.FromResult(
        backlog.Latest?.Troubled is { Count: > 0 } troubled
            ? $"{troubled.Count} troubled, the oldest under way for {troubled.OldestAge.TotalSeconds:F0} s"
            : null);
}
