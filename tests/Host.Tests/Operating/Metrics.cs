using System.Globalization;
using System.Text.RegularExpressions;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>What a host showed at <c>/metrics</c> at one moment.</summary>
internal sealed partial class Metrics
{
    private readonly List<(string Name, string Labels, double Value)> _samples;

    private Metrics(string text) =>
        _samples =
        [
            .. Line().Matches(text).Select(line => (
                line.Groups["name"].Value,
                line.Groups["labels"].Value,
                double.Parse(line.Groups["value"].Value, CultureInfo.InvariantCulture))),
        ];

    public IReadOnlySet<string> Names => _samples.Select(s => s.Name).ToHashSet();

    public static async Task<Metrics> ReadAsync(HttpClient http, Uri managementUrl) =>
        new(await http.GetStringAsync(new Uri(managementUrl, "metrics")));

    /// <summary>The sum of the samples of a name whose labels are these, and perhaps others.</summary>
    public double Sum(string name, params IReadOnlyList<(string Label, string Value)> labels) => _samples
        .Where(s => s.Name == name && labels.All(l => s.Labels.Contains($"{l.Label}=\"{l.Value}\"", StringComparison.Ordinal)))
        .Sum(s => s.Value);

    [GeneratedRegex(@"^(?<name>[a-zA-Z_:][\w:]*)(\{(?<labels>.*)\})? (?<value>\S+)( \d+)?\r?$", RegexOptions.Multiline)]
    private static partial Regex Line();
}
