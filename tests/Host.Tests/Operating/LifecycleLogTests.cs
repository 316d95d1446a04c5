using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using PayoutManager.Host.Management;
using PayoutManager.Testing;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>What the log says of a host's life.</summary>
public sealed partial class LifecycleLogTests : IAsyncLifetime
{
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync() => _peers = await PostgresPeers.StartAsync();

    public async Task DisposeAsync() => await _peers.DisposeAsync();

    [Theory]
    [InlineData("json", "TERM", "SIGTERM")]
    [InlineData("simple", "INT", "SIGINT")]
    public async Task A_host_says_what_it_is_uses_and_serves_and_why_it_stops(string formatter, string signal, string name)
    {
        using var host = HostProcess.Start(_peers, ("Logging__Console__FormatterName", formatter));
        await host.UntilAsync(() => Task.FromResult(host.Output.Contains("The host is ready", StringComparison.Ordinal)));
        for (var i = 0; i < 3; i++)
            await host.CallAsync<Calls.GetPayout_result>("GetPayout", new Calls.GetPayout_args { PayoutId = "none" });
        host.Signal(signal);
        Assert.Equal(0, await host.WaitAsync());

        var lines = host.Output.Split('\n').Select(line => formatter == "json" ? OfJson(line) : OfText(line)).ToList();
        var database = new NpgsqlConnectionStringBuilder(_peers.ConnectionString);
        Assert.Equal(
            [
                (102, $"PayoutManager {ProductVersion.Text} starts, environment Production, process {host.Id}"),
                (103, $"Uses Postgres, database {database.Database} at {(database.Host!.Contains('/', StringComparison.Ordinal) ? database.Host : $"{database.Host}:{database.Port}")}, topic pm-events-payout of {_peers.BootstrapServers}, PartyManagement at {_peers.Sandbox.PartyManagementUrl}, Shumway at {_peers.Sandbox.ShumwayUrl}"),
                (104, $"Listens at http://127.0.0.1:{host.ThriftPort} for calls and at {host.ManagementUrl.ToString().TrimEnd('/')} for operators"),
                (105, "The host is ready"),
                (107, $"The host stops: {name}"),
                (109, "The host has stopped after 3 calls in (time)"),
            ],
            // On a machine that is slow it may not be ready at first.
            lines.Where(line => line.EventId is >= 100 and not 106).Select(line => (line.EventId, Uptime().Replace(line.Message, "in (time)"))));
        Assert.DoesNotContain(database.Password ?? "Password", host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_host_lacks_is_told_when_it_changes_and_not_again()
    {
        using var host = HostProcess.Start(
            _peers,
            ("ConnectionStrings__Payouts", $"Host=127.0.0.1;Port={Ports.Free()};Username=x;Password=secret;Database=x"),
            ("PartyManagement__Url", $"http://127.0.0.1:{Ports.Free()}/"));
        await host.UntilAsync(() => Task.FromResult(host.Output.Contains("The host is not ready", StringComparison.Ordinal)));
        host.Terminate();
        Assert.Equal(0, await host.WaitAsync());

        var told = Assert.Single(host.Output.Split('\n').Select(OfJson), line => line.EventId == 106);
        Assert.StartsWith("The host is not ready: database: out of reach: ", told.Message, StringComparison.Ordinal);
        Assert.Contains("; partyManagement: ", told.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(host.Output.Split('\n').Select(OfJson), line => line.EventId == 105);
        Assert.DoesNotContain("secret", host.Output, StringComparison.Ordinal);
    }

    private static (int EventId, string Message) OfJson(string line)
    {
        var entry = JsonDocument.Parse(line).RootElement;
        return (entry.GetProperty("EventId").GetInt32(), entry.GetProperty("Message").GetString()!);
    }

    private static (int EventId, string Message) OfText(string line)
    {
        var entry = TextLine().Match(line);
        Assert.True(entry.Success, line);
        return (int.Parse(entry.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), entry.Groups[2].Value);
    }

    [GeneratedRegex(@"^\S+(?:info|warn): PayoutManager[\w.]+\[(\d+)\] (.*)$")]
    private static partial Regex TextLine();

    [GeneratedRegex(@"in \d\d:\d\d:\d\d$")]
    private static partial Regex Uptime();
}
