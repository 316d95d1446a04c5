using PayoutManager.Host.Tests.Crashes;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;

namespace PayoutManager.Host.Tests;

public sealed class AuditCommandTests(StepHosts hosts) : IClassFixture<StepHosts>
{
    [Fact]
    public async Task It_names_what_disagrees_and_repairs_it_on_request()
    {
        var host = await hosts.SurvivorAsync();
        var (paid, fine) = (hosts.NewId(), hosts.NewId());
        await hosts.CreateAsync(host, paid);
        await hosts.CreateAsync(host, fine);
        await new Aftermath(hosts.Peers).SettleAsync();
        Assert.Equal((0, "2 payouts looked at: all agree."), Conclusion(await HostProcess.AuditAsync(hosts.Peers)));

        // As a predecessor's crash between ledger and database leaves it.
        var ledger = hosts.Peers.Sandbox.Accounter;
        ledger.Commit(ledger.GetPlan($"payout_{paid}"));
        var (exitCode, output) = await HostProcess.AuditAsync(hosts.Peers);
        Assert.Equal((1, "2 payouts looked at: 1 do not agree."), Conclusion((exitCode, output)));
        Assert.Contains($"payout {paid}", output, StringComparison.Ordinal);
        Assert.Contains(
            $"PayoutBehind: The payout is unpaid, and plan payout_{paid} is committed. Repair: Confirm.", output, StringComparison.Ordinal);
        Assert.Contains("2 payouts looked at, 1 do not agree …", output, StringComparison.Ordinal);

        var repaired = await HostProcess.AuditAsync(hosts.Peers, "--payout", paid, "--repair");
        Assert.Equal((0, "1 payouts looked at: all agree."), Conclusion(repaired));
        Assert.Equal(new PayoutStatus.confirmed(new PayoutConfirmed()), await hosts.GetStatusAsync(host, paid));
        await new Aftermath(hosts.Peers).SettleAsync();
        Assert.Equal(0, (await HostProcess.AuditAsync(hosts.Peers, "--since", "2020-01-01T00:00:00Z")).ExitCode);
    }

    [Theory]
    [InlineData("--since", "yesterday")]
    [InlineData("--payout")]
    [InlineData("--payout", "p", "--since", "2026-01-01T00:00:00Z")]
    [InlineData("everything")]
    public async Task Called_wrongly_it_says_how(params string[] arguments)
    {
        var (exitCode, output) = await HostProcess.AuditAsync(hosts.Peers, arguments);

        Assert.Equal(2, exitCode);
        Assert.StartsWith("Compares stored payouts with the ledger and the topic", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_does_not_pass_what_it_could_not_see()
    {
        await hosts.SurvivorAsync();
        var (exitCode, output) = await HostProcess.AuditAsync(
            HostProcess.EnvironmentOf(hosts.Peers, [("Kafka__BootstrapServers", $"127.0.0.1:{Ports.Free()}")]));

        Assert.Equal(3, exitCode);
        Assert.Contains("The audit is not finished: The topic cannot be read", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task There_is_nothing_embedded_to_audit()
    {
        var (exitCode, output) = await HostProcess.AuditAsync(
            new Dictionary<string, string> { ["DOTNET_ENVIRONMENT"] = "Development" });

        Assert.Equal(2, exitCode);
        Assert.Contains("an audit needs a database, dependencies and a broker that are configured", output, StringComparison.Ordinal);
    }

    private static (int ExitCode, string LastLine) Conclusion((int ExitCode, string Output) audit) =>
        (audit.ExitCode, audit.Output.Split('\n').Last(line => line.Contains("payouts looked at:") || line.Contains("are being changed")));
}
