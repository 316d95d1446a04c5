using System.Text.RegularExpressions;

namespace PayoutManager.Host.Tests.Deployment;

public sealed partial class AlertTests
{
    [Fact]
    public void Each_alert_says_how_bad_and_what_it_is()
    {
        var alerts = DeployedFiles.Alerts();

        Assert.Equal(16, alerts.Count);
        Assert.All(alerts, alert => Assert.Contains(alert["labels"]["severity"].ToString(), (string[])["critical", "warning"]));
        Assert.All(alerts, alert => Assert.NotEmpty(alert["annotations"]["summary"].ToString()));
    }

    [Fact]
    public void The_manual_tells_what_to_do_at_each_alert_and_of_no_other() => Assert.Equal(
        DeployedFiles.Alerts().Select(alert => alert["alert"].ToString()).Order(),
        Row().Matches(DeployedFiles.Manual().Split("\n## ").Single(section => section.StartsWith("Alerts\n", StringComparison.Ordinal))).Select(row => row.Groups[1].Value).Order());

    [GeneratedRegex(@"^\| `(Payout\w+)` \| [^|]+ \| [^|]+ \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
