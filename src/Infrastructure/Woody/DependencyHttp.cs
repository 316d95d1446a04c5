using System.Security.Cryptography.X509Certificates;
using PayoutManager.Woody;

namespace PayoutManager.Infrastructure.Woody;

/// <summary>Connections to a dependency.</summary>
internal static class DependencyHttp
{
    public static HttpClient Create(DependencyOptions options)
    {
        var handler = WoodyClient.CreateHandler();
        if (options.Authority is { } authority)
        {
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authority);
        }

        if (options.ClientCertificate is { } certificate)
            handler.SslOptions.ClientCertificates = [certificate];
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }
}
