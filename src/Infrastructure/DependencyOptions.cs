using System.Security.Cryptography.X509Certificates;

namespace PayoutManager.Infrastructure;

/// <summary>Where a dependency is, and how long to wait for it.</summary>
public sealed record DependencyOptions
{
    /// <summary>The service's address, over http or https.</summary>
    public required Uri Url { get; init; }

    /// <summary>How long to wait for each answer. Default 5 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Who vouches for the service's certificate. Default: whomever the machine trusts.</summary>
    public X509Certificate2Collection? Authority { get; init; }

    /// <summary>What this service shows where the other asks who it is, with its key. Default: nothing.</summary>
    public X509Certificate2? ClientCertificate { get; init; }
}
