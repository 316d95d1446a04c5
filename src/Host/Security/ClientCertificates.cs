using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace PayoutManager.Host.Security;

/// <summary>Lets nobody in but callers for whose certificates an authority vouches.</summary>
internal static class ClientCertificates
{
    private static readonly Oid ForClients = new("1.3.6.1.5.5.7.3.2");

    public static void Require(HttpsConnectionAdapterOptions https, X509Certificate2Collection authority)
    {
        https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        https.ClientCertificateValidation = (certificate, presented, _) => Vouches(authority, certificate, presented);
    }

    private static bool Vouches(X509Certificate2Collection authority, X509Certificate2 certificate, X509Chain? presented)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authority);
        chain.ChainPolicy.ApplicationPolicy.Add(ForClients);
        // A private authority's certificates name no place to ask whether they are revoked; the list of callers can be.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (presented is not null)
            chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        return chain.Build(certificate);
    }
}
