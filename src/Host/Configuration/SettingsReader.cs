using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace PayoutManager.Host.Configuration;

/// <summary>Reads configuration and collects everything that is wrong with it, so that one start shows it all.</summary>
internal sealed class SettingsReader(IConfiguration configuration)
{
    private readonly List<string> _errors = [];
    private readonly HashSet<string> _keys = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _openSections = new(StringComparer.OrdinalIgnoreCase);

    public IReadOnlyList<string> Errors => _errors;

    public void Reject(string key, string fault) => _errors.Add($"{key}: {fault}");

    /// <summary>The text of a key; null where it is absent or blank. The key counts as known from now on.</summary>
    public string? Text(string key)
    {
        _keys.Add(key);
        return configuration[key] is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;
    }

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
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            Reject(key, $"must be an http or https address, is '{text}'");
            return null;
        }

        // Calls would go without them. The text is not shown: it may hold a password.
        if (url is not { UserInfo: "", Query: "", Fragment: "" })
            Reject(key, "must be an http or https address without user, query and fragment");
        return url;
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

    /// <summary>One of some words, whose case makes no difference; null where the key is absent.</summary>
    public string? Word(string key, params IReadOnlyList<string> words)
    {
        if (Text(key) is not { } text || words.Contains(text, StringComparer.OrdinalIgnoreCase))
            return Text(key);
        Reject(key, $"must be one of {string.Join(", ", words)}, is '{text}'");
        return null;
    }

    public IReadOnlyDictionary<string, string> Pairs(string section)
    {
        _openSections.Add(section);
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

    /// <summary>
    /// Rejects what has not been read: a key that nobody reads is a typing mistake that would otherwise go unnoticed. Environment
    /// variables are everybody's, and only those that are nearly ours are rejected.
    /// </summary>
    /// <param name="sections">Sections all of whose keys have been read; others are not looked at.</param>
    public void RejectUnknown(params IEnumerable<string> sections)
    {
        var ofSections = sections.SelectMany(section => configuration.GetSection(section).AsEnumerable().Where(pair => pair.Key != section));
        foreach (var (key, _) in ofSections.Where(pair => pair.Value is not null && !IsKnown(pair.Key)))
        {
            var (parent, names) = SiblingsOf(key);
            Reject(key, Nearest(key) is { } near ? $"is unknown. Did you mean {near}?" : $"is unknown; {parent} has {string.Join(", ", names)}");
        }

        var found = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var provider in (configuration as IConfigurationRoot)?.Providers ?? [])
        {
            var isForUs = provider is FileConfigurationProvider or CommandLineConfigurationProvider;
            if (!isForUs && provider is not EnvironmentVariablesConfigurationProvider)
                continue;
            foreach (var name in provider.GetChildKeys([], null).Where(name => !SettingKeys.IsKnown(name)))
            {
                foreach (var key in KeysBelow(provider, name).Where(found.Add))
                    RejectForeign(key, isForUs);
            }
        }
    }

    private static IEnumerable<string> KeysBelow(IConfigurationProvider provider, string key) => provider.GetChildKeys([], key)
        .Distinct(StringComparer.OrdinalIgnoreCase)
        .SelectMany(name => KeysBelow(provider, ConfigurationPath.Combine(key, name)))
        .Concat(provider.TryGet(key, out var value) && value is not null ? [key] : []);

    private void RejectForeign(string key, bool isForUs)
    {
        var near = key.Contains(ConfigurationPath.KeyDelimiter, StringComparison.Ordinal) ? Nearest(key) ?? SettingKeys.Nearest(key) : null;
        if (near is not null || isForUs)
            Reject(key, $"is unknown.{(near is null ? "" : $" Did you mean {near}?")}");
        // As a variable with one underscore in place of two.
        else if (!key.All(char.IsAsciiLetterOrDigit) && _keys.FirstOrDefault(known => InLetters(known) == InLetters(key)) is { } meant)
            Reject(key, $"is not read. Did you mean {meant.Replace(ConfigurationPath.KeyDelimiter, "__", StringComparison.Ordinal)}?");
    }

    private static string InLetters(string key) => string.Concat(key.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant();

    private bool IsKnown(string key) =>
        _keys.Contains(key)
        || _openSections.Any(section => key.StartsWith(section + ConfigurationPath.KeyDelimiter, StringComparison.OrdinalIgnoreCase));

    private string? Nearest(string key) => Spelling.Nearest(key, _keys);

    /// <summary>The nearest section above a key that has keys, and their names.</summary>
    private (string Parent, IReadOnlyList<string> Names) SiblingsOf(string key)
    {
        for (var parent = ConfigurationPath.GetParentPath(key); parent is not null; parent = ConfigurationPath.GetParentPath(parent))
        {
            var prefix = parent + ConfigurationPath.KeyDelimiter;
            var names = _keys.Where(known => known.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
                .Select(known => known[prefix.Length..].Split(ConfigurationPath.KeyDelimiter)[0])
                .Distinct(StringComparer.OrdinalIgnoreCase)
                .ToList();
            if (names.Count > 0)
                return (parent, names);
        }

        throw new ArgumentException("No key of its section has been read.", nameof(key));
    }
}
