using System.Globalization;

namespace PayoutManager.Bench.Stand;

/// <summary>What a host says of itself.</summary>
internal static class Metrics
{
    // A scrape is kept for a moment.
    private static readonly TimeSpan Kept = TimeSpan.FromMilliseconds(500);

    /// <summary>All series by name and labels.</summary>
    public static async Task<IReadOnlyDictionary<string, double>> ReadAsync(Subject host)
    {
        await Task.Delay(Kept, TimeProvider.System);
        using var http = new HttpClient();
        var text = await http.GetStringAsync(new Uri(host.ManagementUrl!, "metrics"));
        return text.Split('\n')
            .Where(line => line.Length > 0 && !line.StartsWith('#'))
            .Select(line => (Series: SeriesOf(line), Line: line))
            .ToDictionary(s => s.Series, s => double.Parse(s.Line[s.Series.Length..].Trim().Split(' ')[0], CultureInfo.InvariantCulture));
    }

    /// <summary>The sum of all series of a name.</summary>
    public static double Sum(IReadOnlyDictionary<string, double> series, string name) =>
        series.Where(s => NameOf(s.Key) == name).Sum(s => s.Value);

    /// <summary>A quantile of what came about in between, as precise as the histogram's bounds.</summary>
    public static double Quantile(
        IReadOnlyDictionary<string, double> before, IReadOnlyDictionary<string, double> after, string name, double share)
    {
        var buckets = after
            .Where(s => NameOf(s.Key) == $"{name}_bucket")
            .Select(s => (Bound: BoundOf(s.Key), Count: s.Value - before.GetValueOrDefault(s.Key)))
            .OrderBy(b => b.Bound)
            .ToArray();
        var wanted = buckets[^1].Count * share;
        var (lower, below) = (0.0, 0.0);
        foreach (var (bound, count) in buckets)
        {
            if (count >= wanted)
                return double.IsPositiveInfinity(bound) ? lower : lower + ((bound - lower) * (wanted - below) / Math.Max(1, count - below));
            (lower, below) = (bound, count);
        }

        return lower;
    }

    /// <summary>A name, with its labels where it has some.</summary>
    private static string SeriesOf(string line) =>
        line.LastIndexOf('}') is var end and >= 0 ? line[..(end + 1)] : line[..line.IndexOf(' ', StringComparison.Ordinal)];

    private static string NameOf(string series) => series.Split('{')[0];

    private static double BoundOf(string series)
    {
        var bound = series.Split("le=\"")[1].Split('"')[0];
        return bound == "+Inf" ? double.PositiveInfinity : double.Parse(bound, CultureInfo.InvariantCulture);
    }
}
