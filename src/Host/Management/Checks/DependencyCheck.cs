using PayoutManager.Infrastructure.Woody;

namespace PayoutManager.Host.Management.Checks;

/// <summary>Something listens where a dependency should be.</summary>
internal sealed class DependencyCheck(Uri url) : PartCheck
{
    protected override Task<string?> FindFaultAsync(CancellationToken cancellationToken) =>
        DependencyProbe.FindFaultAsync(url, cancellationToken);
}
