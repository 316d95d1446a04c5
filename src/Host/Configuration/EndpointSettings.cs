using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace PayoutManager.Host.Configuration;

/// <summary>
/// Checks Kestrel's own keys. It reads them by itself, later; what it does not understand it leaves out, or ends the start with a stack.
/// </summary>
/// <param name="read">Reads the configuration.</param>
/// <param name="contentRoot">Where files that Kestrel is to read are, unless their paths begin at the root.</param>
internal sealed class EndpointSettings(SettingsReader read, string contentRoot)
{
    private const string DefaultCertificate = "Kestrel:Certificates:Default";
    private const string ForServers = "1.3.6.1.5.5.7.3.1";

    private static readonly string[] Protocols = [.. Enum.GetNames<HttpProtocols>().Where(name => name != nameof(HttpProtocols.None))];

    /// <summary>Checks everything of some endpoints.</summary>
    /// <returns>Where each of them listens; null where that is not known.</returns>
    public IReadOnlyDictionary<string, BindingAddress?> Read(params IReadOnlyList<string> names)
    {
        read.Word("Kestrel:EndpointDefaults:Protocols", Protocols);
        CheckHttps("Kestrel:EndpointDefaults");
        var hasDefault = CheckCertificate(DefaultCertificate);
        // Of the certificate that .NET makes for developers.
        read.Text("Kestrel:Certificates:Development:Password");
        return names.ToDictionary(name => name, name => ReadEndpoint(name, hasDefault));
    }

    private BindingAddress? ReadEndpoint(string name, bool hasDefaultCertificate)
    {
        var section = $"Kestrel:Endpoints:{name}";
        // Woody's peers speak nothing else.
        read.Word($"{section}:Protocols", name == HostSettings.ThriftEndpoint ? [nameof(HttpProtocols.Http1)] : Protocols);
        var (hasHttps, hasCertificate) = (CheckHttps(section), CheckCertificate($"{section}:Certificate"));
        foreach (var server in read.Children($"{section}:Sni"))
        {
            hasHttps = true;
            read.Word($"{server}:Protocols", Protocols);
            CheckHttps(server);
            hasCertificate |= CheckCertificate($"{server}:Certificate");
        }

        var key = $"{section}:Url";
        if (read.Text(key, required: true) is not { } text)
            return null;
        if (AddressOf(text) is not { } address)
        {
            read.Reject(key, $"must be an http or https address with a host and a port alone, is '{text}'");
            return null;
        }

        var isHttps = address.Scheme == Uri.UriSchemeHttps;
        if (address is { Port: 0, Host: "localhost" })
            read.Reject(key, "cannot have port 0 of localhost, which are two addresses; 127.0.0.1 and [::1] can");
        if (isHttps && !hasCertificate && !hasDefaultCertificate)
            read.Reject($"{section}:Certificate:Path", "is required for https");
        if (!isHttps && (hasHttps || hasCertificate))
            read.Reject(key, $"must be an https address: {section} has keys that concern nothing else");
        return address;
    }

    /// <summary>What Kestrel can listen at; it would take anything else for every address of this machine.</summary>
    private static BindingAddress? AddressOf(string text)
    {
        try
        {
            var address = BindingAddress.Parse(text);
            return address is { Scheme: "http" or "https", IsUnixPipe: false, IsNamedPipe: false, PathBase: "" or "/", Port: >= 0 and <= ushort.MaxValue }
                && (address.Host is "*" or "+" || Uri.CheckHostName(address.Host) != UriHostNameType.Unknown)
                    ? address
                    : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <returns>Whether anything is said.</returns>
    private bool CheckHttps(string section)
    {
        var mode = read.Word($"{section}:ClientCertificateMode", Enum.GetNames<ClientCertificateMode>());
        var protocols = read.Children($"{section}:SslProtocols").ToList();
        foreach (var protocol in protocols)
            read.Word(protocol, Enum.GetNames<SslProtocols>());
        return mode is not null || protocols.Count > 0;
    }

    /// <returns>Whether there is one, good or bad.</returns>
    private bool CheckCertificate(string section)
    {
        var (path, keyPath, password) = (read.Text($"{section}:Path"), read.Text($"{section}:KeyPath"), read.Text($"{section}:Password"));
        var subject = read.Text($"{section}:Subject");
        var store = read.Text($"{section}:Store") ?? nameof(StoreName.My);
        var location = read.Choice($"{section}:Location", StoreLocation.CurrentUser);
        var allowInvalid = read.Flag($"{section}:AllowInvalid", byDefault: false);
        if (path is not null && subject is not null)
            read.Reject($"{section}:Subject", $"excludes {section}:Path");
        else if (path is not null)
            CheckFiles(section, path, keyPath, password);
        else if (subject is not null)
            CheckStored(section, subject, store, location, allowInvalid);
        else if (keyPath is not null || password is not null)
            read.Reject($"{section}:Path", $"is required with {section}:{(keyPath is null ? "Password" : "KeyPath")}");
        return path is not null || subject is not null || keyPath is not null || password is not null;
    }

    private void CheckFiles(string section, string path, string? keyPath, string? password)
    {
        var missing = ((string Key, string? Path)[])[($"{section}:Path", path), ($"{section}:KeyPath", keyPath)];
        if (missing.FirstOrDefault(file => file.Path is not null && !File.Exists(Path.Combine(contentRoot, file.Path))) is ({ } key, { } name))
        {
            read.Reject(key, $"names no file: '{name}'");
            return;
        }

        try
        {
            using var certificate = Load(Path.Combine(contentRoot, path), keyPath is null ? null : Path.Combine(contentRoot, keyPath), password);
            CheckUse($"{section}:Path", certificate);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            read.Reject($"{section}:Path", keyPath is null
                ? $"cannot be read as a certificate and its key in PKCS #12: {e.Message}"
                : $"and its key cannot be read: {e.Message}");
        }
    }

    private static X509Certificate2 Load(string path, string? keyPath, string? password)
    {
        if (keyPath is null)
            return X509CertificateLoader.LoadPkcs12FromFile(path, password);
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(path);
        var (text, key) = (certificate.ExportCertificatePem(), File.ReadAllText(keyPath));
        return password is null ? X509Certificate2.CreateFromPem(text, key) : X509Certificate2.CreateFromEncryptedPem(text, key, password);
    }

    private void CheckStored(string section, string subject, string store, StoreLocation location, bool allowInvalid)
    {
        try
        {
            using var certificate = CertificateLoader.LoadFromStoreCert(subject, store, location, allowInvalid);
            CheckUse($"{section}:Subject", certificate);
        }
        catch (Exception e) when (e is InvalidOperationException or CryptographicException)
        {
            read.Reject($"{section}:Subject", $"names no certificate of the store {store} of {location}: '{subject}'");
        }
    }

    private void CheckUse(string key, X509Certificate2 certificate)
    {
        if (!certificate.HasPrivateKey)
            read.Reject(key, "has a certificate without its key");
        var uses = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().ToList();
        if (uses.Count > 0 && !uses.Any(use => use.EnhancedKeyUsages.OfType<Oid>().Any(oid => oid.Value == ForServers)))
            read.Reject(key, "has a certificate that is not one for servers");
    }
}
