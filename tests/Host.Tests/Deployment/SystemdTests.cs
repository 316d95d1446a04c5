using System.Globalization;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Deployment;

public sealed class SystemdTests
{
    private static readonly string[] Unit = File.ReadAllLines(DeployedFiles.PathOf("systemd/payout-manager.service"));

    [Fact]
    public async Task The_unit_is_one_that_systemd_accepts()
    {
        // It insists on programs and folders that are there.
        var folder = Directory.CreateTempSubdirectory("payouts-unit-").FullName;
        var unit = Path.Combine(folder, "payout-manager.service");
        await File.WriteAllTextAsync(
            unit,
            string.Join('\n', Unit)
                .Replace("/usr/bin/dotnet", Environment.ProcessPath, StringComparison.Ordinal)
                .Replace("/opt/payout-manager", Path.GetDirectoryName(HostProcess.Program), StringComparison.Ordinal));

        using var verify = ChildProcess.Start("systemd-analyze", ["verify", "--man=no", unit]);

        Assert.Equal((0, ""), (await verify.WaitAsync(), verify.Output));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void The_host_starts_with_the_example_of_its_variables_and_is_given_the_time_to_stop()
    {
        var settings = DeployedFiles.Settings(
            File.ReadLines(DeployedFiles.PathOf("systemd/environment.example"))
                .Where(line => line.Length > 0 && !line.StartsWith('#'))
                .Select(line => line.Split('=', 2))
                .Select(variable => KeyValuePair.Create(variable[0], variable[1].Trim('"'))));

        Assert.Equal("kafka-1.example:9092,kafka-2.example:9092,kafka-3.example:9092", settings.BootstrapServers);
        Assert.True(TimeSpan.FromSeconds(int.Parse(Of("TimeoutStopSec"), CultureInfo.InvariantCulture)) > settings.Shutdown.Total);
    }

    [Fact]
    public async Task What_a_restart_does_not_change_is_not_restarted()
    {
        using var host = ChildProcess.Start("dotnet", [HostProcess.Program]);

        Assert.Equal(Of("RestartPreventExitStatus"), $"{await host.WaitAsync()}");
    }

    private static string Of(string setting) =>
        Unit.Single(line => line.StartsWith(setting + "=", StringComparison.Ordinal))[(setting.Length + 1)..];
}
