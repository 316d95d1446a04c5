using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PayoutManager.Host.Configuration;

/// <summary>Reads configuration and collects everything that is wrong with it, so that one start shows it all.</summary>
internal sealed class SettingsReader(IConfiguration configuration)
{
    private readonly List<string> _errors = [];

    public IReadOnlyList<string> Errors => _errors;

    public void Reject(string key, string fault) => _errors.Add($"{key}: {fault}");

    /// <summary>The text of a key; null where it is absent or blank.</summary>
    public string? Text(string key) => configuration[key] is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;

    public string? Text(string key, bool required)
    {
        var text = Text(key);
        if (text is null && required)
            Reject(key, "is required");
        return text;
    }

    public Uri? Url(string key, bool required)
    {
        if (Text(key, required) is not { } text)
            return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
            return url;
        Reject(key, $"must be an http or https address, is '{text}'");
        return null;
    }

    public TimeSpan Duration(string key, TimeSpan byDefault, TimeSpan least, TimeSpan most)
    {
        if (Text(key) is not { } text)
            return byDefault;
        if (TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var duration)
            && duration >= least
            && duration <= most)
        {
            return duration;
        }

        Reject(key, $"must be a duration hh:mm:ss from {least:c} to {most:c}, is '{text}'");
        return byDefault;
    }

    public int Number(string key, int byDefault, int least, int most)
    {
        if (Text(key) is not { } text)
            return byDefault;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= least
            && number <= most)
        {
            return number;
        }

        Reject(key, $"must be a whole number from {least} to {most}, is '{text}'");
        return byDefault;
    }

    public bool Flag(string key, bool byDefault)
    {
        if (Text(key) is not { } text)
            return byDefault;
        if (bool.TryParse(text, out var flag))
            return flag;
        Reject(key, $"must be true or false, is '{text}'");
        return byDefault;
    }

    public T Choice<T>(string key, T byDefault)
        where T : struct, Enum
    {
        if (Text(key) is not { } text)
            return byDefault;
        if (Enum.GetNames<T>().FirstOrDefault(n => n.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } name)
            return Enum.Parse<T>(name);
        Reject(key, $"must be one of {string.Join(", ", Enum.GetNames<T>())}, is '{text}'");
        return byDefault;
    }

    public IReadOnlyDictionary<string, string> Pairs(string section)
    {
        var pairs = new Dictionary<string, string>();
        foreach (var (key, value) in configuration.GetSection(section).AsEnumerable(makePathsRelative: true))
        {
            // Environment variables write the dots of a property as they are, but some shells cannot: a colon does, too.
            var name = key.Replace(':', '.');
            if (value is not null && name.Length == 0)
                Reject(section, "has names and values below it, and no value of its own");
            else if (value is not null && !pairs.TryAdd(name, value))
                Reject($"{section}:{name}", "is given twice");
        }

        return pairs;
    }

    /// <summary>The keys right below a section.</summary>
    public IEnumerable<string> Children(string section) => configuration.GetSection(section).GetChildren().Select(child => child.Path);

    /// <summary>The certificates of a PEM file; null where the key is absent.</summary>
    public X509Certificate2Collection? Certificates(string key)
    {
        if (Text(key) is not { } path)
            return null;
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPemFile(path);
            if (certificates.Count > 0)
                return certificates;
            Reject(key, $"names a file without a certificate in PEM: '{path}'");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            Reject(key, $"cannot be read as certificates in PEM: {e.Message}");
        }

        return null;
    }

    /// <summary>A certificate and its key from PEM files; null where both keys are absent.</summary>
    public X509Certificate2? CertificateWithKey(string certificateKey, string keyKey)
    {
        var (certificate, key) = (Text(certificateKey), Text(keyKey));
        if (certificate is null && key is null)
            return null;
        if (certificate is null || key is null)
        {
            Reject(certificate is null ? certificateKey : keyKey, $"is required with {(certificate is null ? keyKey : certificateKey)}");
            return null;
        }

        try
        {
            return X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            Reject(certificateKey, $"and its key cannot be read in PEM: {e.Message}");
            return null;
        }
    }

    /// <summary>An https endpoint needs a certificate, in Kestrel's keys; a file that is named there has to exist.</summary>
    public void RequireServerCertificate(string endpoint)
    {
        var sections = (string[])[$"Kestrel:Endpoints:{endpoint}:Certificate", "Kestrel:Certificates:Default"];
        if (sections.FirstOrDefault(s => configuration.GetSection(s).Exists()) is not { } section)
        {
            Reject($"{sections[0]}:Path", "is required for https");
            return;
        }

        foreach (var key in (string[])[$"{section}:Path", $"{section}:KeyPath"])
        {
            if (Text(key) is { } path && !File.Exists(path))
                Reject(key, $"names no file: '{path}'");
        }
    }

    /// <summary>A key that nothing reads is a typing mistake that would otherwise go unnoticed.</summary>
    public void RejectUnknown(string section, params IReadOnlyList<string> known)
    {
        foreach (var child in configuration.GetSection(section).GetChildren())
        {
            if (!known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
                Reject(child.Path, $"is unknown; {section} has {string.Join(", ", known)}");
        }
    }
}
