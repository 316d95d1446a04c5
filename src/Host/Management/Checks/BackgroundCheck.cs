using PayoutManager.Application.Background;

namespace PayoutManager.Host.Management.Checks;

/// <summary>All background work gets on.</summary>
internal sealed class BackgroundCheck(BackgroundLoops loops) : PartCheck
{
    protected override Task<string?> FindFaultAsync(CancellationToken cancellationToken) => Task.FromResult(
        loops.Failing is { Count: > 0 } failing
            ? string.Join("; ", failing.OrderBy(loop => loop.Key).Select(loop =>
                $"{loop.Key} fails since {loop.Value.Since:HH:mm:ss}Z: {loop.Value.Reason}"))
            : null);
}
