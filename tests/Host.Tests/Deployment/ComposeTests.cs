using System.Globalization;
using PayoutManager.Infrastructure.Kafka;
using YamlDotNet.RepresentationModel;

namespace PayoutManager.Host.Tests.Deployment;

/// <summary>No engine runs it here: what it says is compared with what there is.</summary>
public sealed class ComposeTests
{
    // Of https://github.com/compose-spec/compose-spec, what is used; a word that is not among them is a slip.
    private static readonly string[] Words =
    [
        "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "mem_limit", "ports", "read_only", "restart",
        "security_opt", "stop_grace_period", "tmpfs", "volumes",
    ];

    private static readonly YamlNode Stack = DeployedFiles.Yaml("compose.yaml").Single();
    private static readonly IReadOnlyDictionary<string, YamlMappingNode> Services = Mapping(Stack["services"]);

    [Fact]
    public void Services_say_only_what_compose_understands_and_name_only_what_is_there()
    {
        Assert.Equal(["name", "services", "volumes"], Mapping(Stack, _ => 0).Keys);
        Assert.Empty(Services.Values.SelectMany(service => Mapping(service, _ => 0).Keys).Except(Words));
        foreach (var (other, condition) in Services.Values.Where(s => s.Children.ContainsKey("depends_on")).SelectMany(s => Mapping(s["depends_on"])))
        {
            Assert.True(Services.ContainsKey(other), other);
            Assert.True(condition["condition"].ToString() != "service_healthy" || Services[other].Children.ContainsKey("healthcheck"), other);
        }

        foreach (var volume in Services.Values.SelectMany(service => Texts(service, "volumes")))
        {
            var source = volume.Split(':')[0];
            Assert.True(
                source.StartsWith("./", StringComparison.Ordinal)
                    ? Path.Exists(DeployedFiles.PathOf(source))
                    : Mapping(Stack["volumes"], _ => 0).ContainsKey(source),
                volume);
        }
    }

    [Fact]
    public void The_host_starts_with_its_variables_and_finds_its_peers()
    {
        var host = Services["payout-manager"];

        var settings = DeployedFiles.Settings(DeployedFiles.Texts(host["environment"]));

        Assert.Equal(new Uri("http://sandbox:8024/v1/processing/partymgmt"), settings.PartyManagement!.Url);
        Assert.Equal(new Uri("http://sandbox:8024/shumpune"), settings.Shumway!.Url);
        Assert.Equal("kafka:9092", settings.BootstrapServers);
        Assert.Equal(
            "Host=postgres;Username=payouts;Password=payouts;Database=payouts", settings.ConnectionString);
        Assert.Equal(
            ("payouts", "payouts", "payouts"),
            (
                Services["postgres"]["environment"]["POSTGRES_USER"].ToString(),
                Services["postgres"]["environment"]["POSTGRES_PASSWORD"].ToString(),
                Services["postgres"]["environment"]["POSTGRES_DB"].ToString()));
        Assert.Contains($"--topic={KafkaOptions.DefaultTopic}", Texts(Services["topic"], "command"));
        Assert.True(
            settings.Shutdown.Total < TimeSpan.FromSeconds(int.Parse(host["stop_grace_period"].ToString().TrimEnd('s'), CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("payout-manager", "src/Host")]
    [InlineData("sandbox", "src/Sandbox")]
    public async Task Images_and_their_ports_are_those_that_are_built(string service, string project)
    {
        var image = await ContainerImage.EvaluateAsync(project);

        Assert.Equal($"{image["Properties"]!["ContainerRepository"]}:{image["Properties"]!["ContainerImageTag"]}", Services[service]["image"].ToString());
        Assert.Equal(
            image["Items"]!["ContainerPort"]!.AsArray().Select(port => $"{port!["Identity"]}:{port["Identity"]}"),
            Texts(Services[service], "ports"));
    }

    [Fact]
    public void Prometheus_scrapes_the_host_under_the_name_that_alerts_ask_for()
    {
        var configuration = DeployedFiles.Yaml("prometheus/prometheus.yml").Single();
        var job = Assert.Single((YamlSequenceNode)configuration["scrape_configs"]);

        Assert.Equal("payout-manager:8023", job["static_configs"][0]["targets"][0].ToString());
        Assert.Contains(DeployedFiles.Alerts(), alert => alert["expr"].ToString() == $"up{{job=\"{job["job_name"]}\"}} == 0");
        Assert.True(File.Exists(DeployedFiles.PathOf($"prometheus/{configuration["rule_files"][0]}")));
    }

    private static IReadOnlyDictionary<string, YamlMappingNode> Mapping(YamlNode node) => Mapping(node, value => (YamlMappingNode)value);

    private static Dictionary<string, T> Mapping<T>(YamlNode node, Func<YamlNode, T> value) =>
        ((YamlMappingNode)node).ToDictionary(entry => entry.Key.ToString(), entry => value(entry.Value));

    private static IEnumerable<string> Texts(YamlMappingNode service, string key) =>
        service.Children.TryGetValue(key, out var list) ? ((YamlSequenceNode)list).Select(item => item.ToString()) : [];
}
