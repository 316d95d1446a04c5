using System.Net;
using System.Text.Json;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests;

public sealed class ProductionHostTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync() => _peers = await PostgresPeers.StartAsync();

    public async Task DisposeAsync()
    {
        await _peers.DisposeAsync();
        _http.Dispose();
    }

    [Fact]
    public async Task It_serves_an_independent_thrift_client_and_its_events_are_seen_by_kcat()
    {
        using var host = HostProcess.Start(_peers);
        await host.UntilReadyAsync();
        var generated = Directory.CreateTempSubdirectory("payouts-python-").FullName;
        foreach (var idl in Directory.GetFiles(Path.Combine(Repository.Root, "thrift"), "*.thrift"))
            Assert.Equal(0, await RunAsync("thrift", "--gen", "py", "-out", generated, idl));

        using var client = ChildProcess.Start(
            "/usr/bin/python3",
            [Path.Combine(Repository.Root, "tests/Host.Tests/clients/client.py"), host.ThriftUrl.ToString(), generated]);
        Assert.True(await client.WaitAsync() == 0, client.Output);
        Directory.Delete(generated, recursive: true);

        Assert.Equal(
            """
            create python-1 unpaid 97500 2800 4
            create PayoutAlreadyExists
            create InsufficientFunds
            create InvalidRequest ['shop_id must not be empty', 'payout_id must not be empty']
            create NotFound Shop gone of party party-1 not found.
            get python-1 unpaid 97500 2800 4
            get NotFound Payout gone not found.
            confirm None
            cancel None
            get вернули
            confirm HTTP 500 Result Unexpected
            """,
            client.Output);
        Assert.Equal(PlanState.Committed, _peers.Plans("python-1")["revert_payout_python-1"]);

        _peers.ReadEvents(3);
        using var kcat = ChildProcess.Start(
            "kcat", ["-b", _peers.BootstrapServers, "-t", KafkaOptions.DefaultTopic, "-C", "-e", "-q", "-f", "%p %o %k\n"]);
        Assert.Equal(0, await kcat.WaitAsync());
        var partition = Topic.JavaPartition("python-1", 4);
        Assert.Equal(string.Join('\n', Enumerable.Range(0, 3).Select(offset => $"{partition} {offset} python-1")), kcat.Output);
    }

    [Fact]
    public async Task It_serves_a_thrift_client_of_yet_another_language()
    {
        using var host = HostProcess.Start(_peers);
        await host.UntilReadyAsync();
        var folder = Directory.CreateTempSubdirectory("payouts-node-").FullName;
        foreach (var file in Directory.GetFiles(Path.Combine(Repository.Root, "tests/Host.Tests/clients")))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        foreach (var idl in Directory.GetFiles(Path.Combine(Repository.Root, "thrift"), "*.thrift"))
            Assert.Equal(0, await RunAsync("thrift", "--gen", "js:node,es6", "-out", folder, idl));
        using (var install = ChildProcess.Start("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock"], folder: folder))
            Assert.True(await install.WaitAsync() == 0, install.Output);

        using var client = ChildProcess.Start("node", ["client.js", host.ThriftUrl.ToString(), folder], folder: folder);
        Assert.True(await client.WaitAsync() == 0, client.Output);
        Directory.Delete(folder, recursive: true);

        Assert.Equal(
            """
            create js-1 unpaid 97500 2800 4
            create PayoutAlreadyExists
            create InsufficientFunds
            get js-1 unpaid 97500 2800 4
            get NotFound
            confirm done
            cancel done
            get вернули
            confirm HTTP 500
            """,
            client.Output);
    }

    [Fact]
    public async Task It_tells_operators_what_it_is_on_its_own_listener()
    {
        using var host = HostProcess.Start(_peers);
        await host.UntilReadyAsync();

        using var info = JsonDocument.Parse(await _http.GetStringAsync(new Uri(host.ManagementUrl, "info")));
        Assert.Equal("Production", info.RootElement.GetProperty("environment").GetString());
        Assert.Equal("Postgres", info.RootElement.GetProperty("storage").GetProperty("provider").GetString());
        Assert.Equal(_peers.BootstrapServers, info.RootElement.GetProperty("kafka").GetProperty("bootstrapServers").GetString());
        Assert.Equal("pm-events-payout", info.RootElement.GetProperty("kafka").GetProperty("topic").GetString());
        Assert.StartsWith("0.1.0", info.RootElement.GetProperty("version").GetString(), StringComparison.Ordinal);
        Assert.Equal("""{"status":"live"}""", await _http.GetStringAsync(new Uri(host.ManagementUrl, "health/live")));
        // On a busy machine a peer may have answered too late for a moment.
        await host.UntilAsync(async () => await _http.GetStringAsync(new Uri(host.ManagementUrl, "health/ready"))
            == """{"status":"ready","database":"ok","broker":"ok","relay":"ok","partyManagement":"ok","shumway":"ok","operations":"ok","background":"ok"}""");

        // Neither listener serves the other's paths, whatever Host header is sent.
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(host.ThriftUrl, "/info"));
        request.Headers.Host = host.ManagementUrl.Authority;
        Assert.Equal(HttpStatusCode.NotFound, (await _http.SendAsync(request)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _http.PostAsync(new Uri(host.ManagementUrl, "payout/management"), null)).StatusCode);
    }

    [Fact]
    public async Task It_is_not_ready_while_a_database_is_out_of_reach_and_says_so()
    {
        using var host = HostProcess.Start(_peers, ("ConnectionStrings__Payouts", $"Host=127.0.0.1;Port={Ports.Free()};Username=x;Password=secret;Database=x"));
        HttpResponseMessage? answer = null;
        await host.UntilAsync(async () =>
        {
            answer = await _http.GetAsync(new Uri(host.ManagementUrl, "health/ready"));
            return (await answer.Content.ReadAsStringAsync()).StartsWith(
                """{"status":"not ready","database":"out of reach""", StringComparison.Ordinal);
        });

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer!.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _http.GetAsync(new Uri(host.ManagementUrl, "health/live"))).StatusCode);
        Assert.DoesNotContain("secret", host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bad_configuration_names_every_bad_key_and_exits()
    {
        using var host = HostProcess.Start(
            _peers,
            ("ConnectionStrings__Payouts", "Host=x;Prot=5432"),
            ("PartyManagement__Url", "party-management:8022"),
            ("PartyManagement__Timeout", "5"),
            ("Shumway__Url", ""),
            ("Shumway__Timout", "00:00:05"),
            ("Kafka__BootstrapServers", ""),
            ("Kafka__Topic", "pm events"),
            ("Kafka__Properties__acks", "1"),
            ("Thrift__DefaultDeadline", "never"),
            ("Thrift__MaxBodySize", "-1"),
            ("Recovery__LeaseDuration", "00:00:00"),
            ("Recovery__ScanInterval", "2 s"),
            ("Storage__MigrateOnStartup", "yes"),
            ("Faults__KillAt", "Hold"),
            ("Kestrel__Endpoints__Thrift__Url", "ftp://localhost"));

        Assert.Equal(2, await host.WaitAsync());
        string[] keys =
        [
            "ConnectionStrings:Payouts", "PartyManagement:Url", "PartyManagement:Timeout", "Shumway:Url", "Shumway:Timout",
            "Kafka:BootstrapServers", "Kafka:Topic", "Kafka:Properties:acks", "Thrift:DefaultDeadline", "Thrift:MaxBodySize",
            "Recovery:LeaseDuration", "Recovery:ScanInterval", "Storage:MigrateOnStartup", "Faults:KillAt", "Kestrel:Endpoints:Thrift:Url",
        ];
        var named = host.Output.Split('\n').Skip(1).Select(line => line.Trim().Split(": ")[0]);
        Assert.Equal(keys.Order(), named.Order());
    }

    [Fact]
    public async Task Nothing_is_embedded_in_production()
    {
        using var host = ChildProcess.Start(
            "dotnet", [HostProcess.Program],
            new Dictionary<string, string> { ["Storage__Provider"] = "Sqlite" });

        Assert.Equal(2, await host.WaitAsync());
        Assert.Equal(
            """
            The configuration cannot be used:
              Storage:Provider: Sqlite is for Development only
              ConnectionStrings:Payouts: is required
              PartyManagement:Url: is required
              Shumway:Url: is required
              Kafka:BootstrapServers: is required
            """,
            host.Output);
    }

    [Fact]
    public async Task The_demo_tells_a_story_in_which_all_claims_hold()
    {
        using var demo = ChildProcess.Start("dotnet", [HostProcess.Program, "demo"]);

        Assert.True(await demo.WaitAsync() == 0, demo.Output);
        Assert.DoesNotContain("NOT SO", demo.Output, StringComparison.Ordinal);
        Assert.Contains("All 20 claims hold.", demo.Output, StringComparison.Ordinal);
        Assert.Matches(@"partition \d, offset 2: event 2, status changed to cancelled", demo.Output);
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var child = ChildProcess.Start(program, arguments);
        return await child.WaitAsync();
    }
}
