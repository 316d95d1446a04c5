using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using PayoutManager.Host.Configuration;
using PayoutManager.Testing;
using YamlDotNet.RepresentationModel;

namespace PayoutManager.Host.Tests.Deployment;

/// <summary>What <c>deploy/</c> holds.</summary>
internal static partial class DeployedFiles
{
    private static readonly string Folder = Path.Combine(Repository.Root, "deploy");

    // What is left of an expression without these and without functions is a metric.
    private static readonly string[] Words = ["and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset"];

    public static string PathOf(string file) => Path.Combine(Folder, file);

    public static IReadOnlyList<YamlNode> Yaml(string file)
    {
        var stream = new YamlStream();
        using var reader = new StreamReader(PathOf(file));
        stream.Load(reader);
        return [.. stream.Documents.Select(document => document.RootNode)];
    }

    public static IReadOnlyList<YamlNode> Alerts() =>
        [.. ((YamlSequenceNode)Yaml("prometheus/alerts.yml")[0]["groups"]).SelectMany(group => (YamlSequenceNode)group["rules"])];

    public static JsonNode Dashboard() => JsonNode.Parse(File.ReadAllText(PathOf("grafana/payout-manager.json")))!;

    /// <summary>The entries of a mapping, both sides plain text.</summary>
    public static Dictionary<string, string> Texts(YamlNode mapping) =>
        ((YamlMappingNode)mapping).ToDictionary(entry => entry.Key.ToString(), entry => entry.Value.ToString());

    /// <summary>What a production host makes of these variables.</summary>
    /// <exception cref="InvalidConfigurationException">It does not start with them.</exception>
    public static HostSettings Settings(params IEnumerable<KeyValuePair<string, string>> variables) => HostSettings.Read(
        new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(Path.GetDirectoryName(HostProcess.Program)!, "appsettings.json"))
            .AddInMemoryCollection(variables.Select(v => KeyValuePair.Create(v.Key.Replace("__", ":", StringComparison.Ordinal), (string?)v.Value)))
            .Build(),
        new HostingEnvironment { EnvironmentName = Environments.Production });

    public static IReadOnlySet<string> MetricsOfAlerts() => Alerts().SelectMany(rule => MetricsOf(rule["expr"].ToString())).ToHashSet();

    public static IReadOnlySet<string> MetricsOfDashboard() =>
        Panels().SelectMany(panel => panel["targets"]!.AsArray()).SelectMany(target => MetricsOf(target!["expr"]!.GetValue<string>())).ToHashSet();

    /// <summary>What <c>docs/operations.md</c> tells of.</summary>
    public static string Manual() => File.ReadAllText(Path.Combine(Repository.Root, "docs/operations.md"));

    public static IReadOnlySet<string> MetricsOfManual() =>
        OwnMetric().Matches(Manual()).Select(match => match.Groups[1].Value).ToHashSet();

    /// <summary>The metrics that the manual shows as the output of a command.</summary>
    public static IReadOnlySet<string> MetricsShownByManual() =>
        ShownMetric().Matches(Manual()).Select(match => match.Groups[1].Value).ToHashSet();

    public static IEnumerable<JsonNode> Panels() =>
        Dashboard()["panels"]!.AsArray().Where(panel => panel!["type"]!.GetValue<string>() != "row")!;

    /// <summary>The metrics that an expression of PromQL names.</summary>
    public static IEnumerable<string> MetricsOf(string expression) =>
        Name().Matches(Aside().Replace(expression, " ")).Select(match => match.Value).Except(Words);

    /// <summary>Matchers, texts, ranges, and the labels of an aggregation.</summary>
    [GeneratedRegex("""\{[^}]*\}|"[^"]*"|\[[^\]]*\]|\b(by|without|on|ignoring)\s*\([^)]*\)""")]
    private static partial Regex Aside();

    [GeneratedRegex("`((?:payouts|thrift)_[a-z_]+)`")]
    private static partial Regex OwnMetric();

    [GeneratedRegex(@"^((?:payouts|thrift)_\w+)\{", RegexOptions.Multiline)]
    private static partial Regex ShownMetric();

    [GeneratedRegex(@"(?<![\w.$])[a-zA-Z_:][\w:]*(?!\w*\s*\()")]
    private static partial Regex Name();
}
