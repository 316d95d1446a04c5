using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PayoutManager.Testing;

/// <summary>A certificate authority of one test, with its files.</summary>
public sealed class ThrowAwayAuthority : IDisposable
{
    private const string ForServers = "1.3.6.1.5.5.7.3.1";
    private const string ForClients = "1.3.6.1.5.5.7.3.2";

    private readonly string _folder = Directory.CreateTempSubdirectory("payouts-ca-").FullName;
    private readonly X509Certificate2 _authority;
    private int _issued;

    public ThrowAwayAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Throw-away authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(Now.AddDays(-30), Now.AddDays(30));
        File.WriteAllText(Path, _authority.ExportCertificatePem());
    }

    /// <summary>The authority's own certificate, in PEM.</summary>
    public string Path => System.IO.Path.Combine(_folder, "authority.pem");

    /// <summary>The same.</summary>
    public X509Certificate2 Certificate => _authority;

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    /// <summary>A certificate for a server on this machine.</summary>
    public IssuedCertificate IssueForServer() => Issue("CN=localhost", ForServers, Now.AddDays(1));

    /// <summary>A certificate for a client.</summary>
    public IssuedCertificate IssueForClient(string subject) => Issue(subject, ForClients, Now.AddDays(1));

    /// <summary>A certificate for a client that was good until yesterday.</summary>
    public IssuedCertificate IssueExpired(string subject) => Issue(subject, ForClients, Now.AddDays(-1));

    /// <inheritdoc/>
    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private IssuedCertificate Issue(string subject, string purpose, DateTimeOffset until)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_authority, Now.AddDays(-2), until, [(byte)++_issued]);
        var path = System.IO.Path.Combine(_folder, $"{_issued}.pem");
        var keyPath = System.IO.Path.Combine(_folder, $"{_issued}.key.pem");
        File.WriteAllText(path, certificate.ExportCertificatePem());
        File.WriteAllText(keyPath, key.ExportPkcs8PrivateKeyPem());
        return new IssuedCertificate(path, keyPath);
    }
}

/// <summary>A certificate and its key, in files of PEM.</summary>
public sealed record IssuedCertificate(string Path, string KeyPath)
{
    public X509Certificate2 Load() => X509Certificate2.CreateFromPemFile(Path, KeyPath);
}
