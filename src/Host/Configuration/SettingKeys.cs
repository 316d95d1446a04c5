namespace PayoutManager.Host.Configuration;

/// <summary>The names with which keys of the configuration begin.</summary>
internal static class SettingKeys
{
    private const string OfOpenTelemetry = "OTEL_";

    /// <summary>Sections that this service or its frameworks read.</summary>
    public static IReadOnlyList<string> Sections { get; } =
    [
        "Kestrel", "Storage", "ConnectionStrings", "PartyManagement", "Shumway", "Kafka", "Thrift", "Shutdown", "Recovery", "Audit",
        "Faults", "Logging",
    ];

    /// <summary>What .NET's host reads before everything else.</summary>
    public static IReadOnlyList<string> OfDotNet { get; } = ["environment", "applicationName", "contentRoot"];

    /// <summary>What a command line may say.</summary>
    public static IEnumerable<string> OnCommandLine => Sections.Concat(OfDotNet);

    /// <summary>Whether keys that begin as this one does are read by anybody.</summary>
    public static bool AreRead(string key) =>
        OnCommandLine.Contains(key.Split(':')[0], StringComparer.OrdinalIgnoreCase)
        || key.StartsWith(OfOpenTelemetry, StringComparison.OrdinalIgnoreCase);

    /// <summary>A key that is read and like another: the other itself, or with another beginning; null if none is near.</summary>
    public static string? Nearest(string key)
    {
        var parts = key.Split(':', 2);
        var first = AreRead(key) ? parts[0] : Spelling.Nearest(parts[0], OnCommandLine);
        return first is null ? null : string.Join(':', [first, .. parts[1..]]);
    }
}
