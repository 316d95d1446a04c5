using PayoutManager.Infrastructure.Woody;

namespace PayoutManager.Host.Management.Checks;

/// <summary>A dependency answers, and does what it is asked for.</summary>
internal sealed class DependencyCheck(DependencyProbe probe) : PartCheck
{
    protected override Task<string?> FindFaultAsync(CancellationToken cancellationToken) => probe.FindFaultAsync(cancellationToken);
}
