using System.Globalization;

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

    public IReadOnlyDictionary<string, string> Pairs(string section) =>
        configuration.GetSection(section).AsEnumerable(makePathsRelative: true)
            .Where(pair => pair is { Key.Length: > 0, Value: not null })
            // Environment variables write the dots of a property as they are, but some shells cannot: a colon does, too.
            .ToDictionary(pair => pair.Key.Replace(':', '.'), pair => pair.Value!);

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
