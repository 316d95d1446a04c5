using System.Globalization;
using System.Text;
using System.Text.Json;

namespace PayoutManager.Bench;

/// <summary>What several rounds gave.</summary>
/// <param name="Values">One of each round.</param>
internal sealed record Samples(params IReadOnlyList<double> Values)
{
    public double Median => Values.Order().ElementAt(Values.Count / 2);

    public double Least => Values.Min();

    public double Most => Values.Max();

    /// <summary>Median and spread, in as many digits as are worth reading.</summary>
    public override string ToString() => Values.Count == 1 ? Text(Median) : $"{Text(Median)} ({Text(Least)}–{Text(Most)})";

    public static string Text(double value) => value.ToString(
        Math.Abs(value) switch { < 10 => "0.00", < 100 => "0.0", _ => "#,0" }, CultureInfo.InvariantCulture);
}

/// <summary>A line of the results.</summary>
/// <param name="Figure">What was measured.</param>
/// <param name="Unit">Of both samples.</param>
/// <param name="Ours">Of the service.</param>
/// <param name="Other">Of what it is compared with, in the same rounds; null where there is nothing to compare with.</param>
/// <param name="OtherName">What that is.</param>
/// <param name="Target">What the ratio or, without a comparison, the figure has to be.</param>
internal sealed record Line(string Figure, string Unit, Samples Ours, Samples? Other = null, string OtherName = "", string Target = "")
{
    /// <summary>Ours to the other, round by round.</summary>
    public Samples? Ratio => Other is null ? null : new Samples([.. Ours.Values.Zip(Other.Values, (ours, other) => ours / other)]);
}

/// <summary>All that was measured, as a table for people and as JSON.</summary>
internal sealed class Results
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    private readonly List<Line> _lines = [];

    public void Add(Line line)
    {
        _lines.Add(line);
        Console.WriteLine(Row(line));
    }

    public string ToMarkdown()
    {
        var table = new StringBuilder()
            .AppendLine("| figure | unit | service | compared with | | ratio | wanted |")
            .AppendLine("|---|---|---|---|---|---|---|");
        foreach (var line in _lines)
            table.AppendLine(Row(line));
        return table.ToString();
    }

    /// <summary>Writes both into a folder.</summary>
    public void Save(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "bench.md"), ToMarkdown());
        File.WriteAllText(
            Path.Combine(folder, "bench.json"),
            JsonSerializer.Serialize(
                _lines.Select(l => new
                {
                    l.Figure,
                    l.Unit,
                    Service = l.Ours.Values,
                    ComparedWith = l.OtherName,
                    Other = l.Other?.Values,
                    Ratio = l.Ratio?.Median,
                    Wanted = l.Target,
                }),
                Json));
    }

    private static string Row(Line line) =>
        $"| {line.Figure} | {line.Unit} | {line.Ours} | {line.OtherName} | {line.Other} | {line.Ratio} | {line.Target} |";
}
