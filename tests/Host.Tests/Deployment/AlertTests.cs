using System.Text.RegularExpressions;
using PayoutManager.Host.Thrift;
using PayoutManager.Testing;
using YamlDotNet.RepresentationModel;

namespace PayoutManager.Host.Tests.Deployment;

public sealed partial class AlertTests
{
    private static readonly string Rules = DeployedFiles.PathOf("prometheus/alerts.yml");
    private static readonly string Cases = DeployedFiles.PathOf("prometheus/alerts.test.yml");

    [Fact]
    public void Each_alert_says_how_bad_and_what_it_is_and_leads_to_its_section_of_the_manual()
    {
        var alerts = DeployedFiles.Alerts();

        Assert.All(alerts, alert => Assert.Contains(alert["labels"]["severity"].ToString(), (string[])["critical", "warning"]));
        Assert.All(alerts, alert => Assert.NotEmpty(alert["annotations"]["summary"].ToString()));
        Assert.All(alerts, alert => Assert.Equal(
            $"docs/operations.md#{alert["alert"].ToString().ToLowerInvariant()}", alert["annotations"]["runbook_url"].ToString()));
    }

    [Fact]
    public void The_manual_has_symptom_command_output_and_what_to_do_of_each_alert_and_of_no_other() => Assert.Equal(
        Names(),
        Section().Matches(Chapter()).Select(section => section.Groups["alert"].Value));

    [Fact]
    public void Each_section_of_an_alert_in_the_manual_is_whole() =>
        Assert.Equal(Chapter().Split("\n### ").Length - 1, Section().Count(Chapter()));

    [Fact]
    public void The_manual_names_each_section_that_it_leads_to()
    {
        var anchors = Heading().Matches(DeployedFiles.Manual()).Select(heading => Anchor(heading.Groups[1].Value)).ToHashSet();

        Assert.Empty(LinkWithin().Matches(DeployedFiles.Manual()).Select(link => link.Groups[1].Value).Except(anchors));
    }

    [Fact]
    public async Task The_manual_s_statements_work_on_a_database_of_ours()
    {
        await using var peers = await PostgresPeers.StartAsync();
        using var host = HostProcess.Start(peers);
        await host.UntilReadyAsync();
        var statements = Statement().Matches(Chapter()).Select(command => command.Groups[1].Value).ToList();

        Assert.NotEmpty(statements);
        foreach (var statement in statements)
            await Sql.ExecuteAsync(peers.ConnectionString, statement);
    }

    [Fact]
    public async Task Promtool_takes_rules_and_configuration_and_each_case_ends_as_it_says()
    {
        Assert.Equal((0, ""), await PromtoolAsync("check", "rules", Rules));
        Assert.Equal((0, ""), await PromtoolAsync("check", "config", DeployedFiles.PathOf("prometheus/prometheus.yml")));
        Assert.Equal((0, ""), await PromtoolAsync("test", "rules", Cases));
    }

    [Fact]
    public async Task Promtool_says_that_a_case_ends_otherwise()
    {
        var wrong = Path.Combine(Path.GetDirectoryName(Cases)!, $"{Guid.NewGuid():N}.test.yml");
        File.WriteAllText(wrong, File.ReadAllText(Cases).Replace("one does not answer", "two does not answer", StringComparison.Ordinal));
        try
        {
            var (exit, output) = await PromtoolAsync("test", "rules", wrong);

            Assert.Equal(1, exit);
            Assert.Contains("alertname: PayoutHostDown", output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(wrong);
        }
    }

    [Fact]
    public void Each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not()
    {
        var cases = ((YamlSequenceNode)DeployedFiles.Yaml("prometheus/alerts.test.yml")[0]["tests"])
            .SelectMany(test => (YamlSequenceNode)test["alert_rule_test"])
            .ToLookup(test => test["alertname"].ToString(), test => ((YamlSequenceNode)test["exp_alerts"]).Any());

        Assert.Equal(Names().Order(), cases.Select(alert => alert.Key).Order());
        Assert.All(cases, alert => Assert.Equal([false, true], alert.Distinct().Order()));
    }

    [Fact]
    public void A_figure_on_which_an_alert_rests_is_missed_where_no_host_shows_it()
    {
        // Not shown before the first call or connection, and counters, which are rates here.
        string[] notAlways = ["up", "thrift_server_calls_active", "db_client_connection_count", "db_client_connection_max"];
        var missed = DeployedFiles.Alerts().Single(alert => alert["alert"].ToString() == "PayoutFiguresMissing")["expr"].ToString();

        Assert.Equal(
            DeployedFiles.MetricsOfAlerts().Except(notAlways).Where(metric => !Counter().IsMatch(metric)).Order(),
            Missed().Matches(missed).Select(figure => figure.Groups[1].Value).Order());
        Assert.All(Missed().Matches(missed), figure => Assert.Equal(figure.Groups[1].Value, figure.Groups[2].Value));
    }

    [Fact]
    public void A_callers_own_mistake_is_not_counted_whatever_its_status()
    {
        var counted = DeployedFiles.Alerts().Single(alert => alert["alert"].ToString() == "PayoutCallsFail")["expr"].ToString();

        Assert.Contains(
            $"{{status=~\"5..\",outcome!~\"{ErrorSorting.InvalidPayoutState}|{ErrorSorting.InvalidRequest}\"}}", counted, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Names() => DeployedFiles.Alerts().Select(alert => alert["alert"].ToString());

    private static string Chapter() =>
        DeployedFiles.Manual().Split("\n## ").Single(section => section.StartsWith("Alerts\n", StringComparison.Ordinal)) + "\n";

    private static string Anchor(string heading) =>
        NotInAnchor().Replace(heading.ToLowerInvariant(), "").Replace(' ', '-');

    private static async Task<(int Exit, string Output)> PromtoolAsync(params string[] arguments)
    {
        using var promtool = ChildProcess.Start("promtool", arguments);
        var exit = await promtool.WaitAsync();
        return (exit, exit == 0 ? "" : promtool.Output);
    }

    [GeneratedRegex(
        """
        ### (?<alert>Payout\w+)

        \*\*Symptom\.\*\* [^\n]+\n(?:[^\n]+\n)*
        ```console
        \$ [^\n]+
        (?!\$|```)[^\n]+\n(?:(?!```)[^\n]+\n)*```

        \*\*Mend\.\*\* [^\n]+\n
        """)]
    private static partial Regex Section();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\]\(#([^)]+)\)")]
    private static partial Regex LinkWithin();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex("^\\$ psql -c \"([^\"]+)\"$", RegexOptions.Multiline)]
    private static partial Regex Statement();

    [GeneratedRegex("_(total|count|bucket)$")]
    private static partial Regex Counter();

    [GeneratedRegex("""label_replace\(absent\((\w+)\), "figure", "(\w+)", "", ""\)""")]
    private static partial Regex Missed();
}
