namespace PayoutManager.Host.Configuration;

/// <summary>The names with which keys of the configuration begin.</summary>
internal static class SettingKeys
{
    private const string OfOpenTelemetry = "OTEL_";

    /// <summary>Sections that this service or its frameworks read.</summary>
    public static IReadOnlyList<string> Sections { get; } =
    [
        "Kestrel", "Storage", "ConnectionStrings", "PartyManagement", "Shumway", "Kafka", "Thrift", "Shutdown", "Recovery", "Audit",
        "Retention", "Faults", "Logging",
    ];

    // What .NET reads by itself.
    private static readonly string[] OfDotNet = ["environment", "applicationName", "contentRoot", "AllowedHosts"];

    /// <summary>Whether keys that begin with a name are somebody's.</summary>
    public static bool IsKnown(string name) =>
        Sections.Concat(OfDotNet).Contains(name, StringComparer.OrdinalIgnoreCase)
        || name.StartsWith(OfOpenTelemetry, StringComparison.OrdinalIgnoreCase);

    /// <summary>A key with the first name that it was meant to have; null if none is near.</summary>
    public static string? Nearest(string key)
    {
        var parts = key.Split(':', 2);
        var first = IsKnown(parts[0]) ? parts[0] : Spelling.Nearest(parts[0], [.. Sections, .. OfDotNet]);
        return first is null ? null : string.Join(':', [first, .. parts[1..]]);
    }
}
