using System.Net;
using System.Text.Json;
using Npgsql;
using PayoutManager.Sandbox;
using PayoutManager.Sandbox.Faults;
using PayoutManager.Testing;
using PayoutManager.Woody;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Operating;

public sealed class HealthTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private InstalledPostgres _postgres = null!;
    private BrokerProcess _broker = null!;
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync()
    {
        _postgres = await InstalledPostgres.StartAsync();
        _broker = await BrokerProcess.StartAsync();
        _peers = await PostgresPeers.StartAsync(_postgres, _broker);
    }

    public async Task DisposeAsync()
    {
        await _peers.DisposeAsync();
        _http.Dispose();
    }

    [Fact]
    public async Task Each_peer_that_is_killed_shows_in_readiness_and_in_its_metric_and_clears_by_itself()
    {
        // One process for both dependencies would fall and rise as one.
        var ports = (PartyManagement: Ports.Free(), Shumway: Ports.Free());
        var parties = await StartSandboxAsync(ports.PartyManagement);
        var ledger = await StartSandboxAsync(ports.Shumway);
        using var host = HostProcess.Start(
            _peers,
            ("PartyManagement__Url", parties.PartyManagementUrl.ToString()),
            ("Shumway__Url", ledger.ShumwayUrl.ToString()));
        await host.UntilReadyAsync();
        await CheckAsync(HttpStatusCode.OK, "ready", "database", "ok", 1);

        _postgres.Kill();
        await CheckAsync(HttpStatusCode.ServiceUnavailable, "not ready", "database", "out of reach", 0);
        await _postgres.StartAgainAsync();
        await CheckAsync(HttpStatusCode.OK, "ready", "database", "ok", 1);

        // Events wait in the table; whether payouts can be made does not depend on the broker.
        _broker.Pause();
        await CheckAsync(HttpStatusCode.OK, "degraded", "broker", "Local: ", 0);
        Assert.NotNull((await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("waits", 100_000))).Success);
        _broker.Resume();
        await CheckAsync(HttpStatusCode.OK, "ready", "broker", "ok", 1);

        // Without them payouts can still be read, by every host or by none: there is no better host to send calls to.
        await parties.DisposeAsync();
        await CheckAsync(HttpStatusCode.OK, "degraded", "partyManagement", "out of reach", 0, "party-management");
        parties = await StartSandboxAsync(ports.PartyManagement);
        await CheckAsync(HttpStatusCode.OK, "ready", "partyManagement", "ok", 1, "party-management");

        await ledger.DisposeAsync();
        await CheckAsync(HttpStatusCode.OK, "degraded", "shumway", "out of reach", 0);
        ledger = await StartSandboxAsync(ports.Shumway);
        await CheckAsync(HttpStatusCode.OK, "ready", "shumway", "ok", 1);
        await parties.DisposeAsync();
        await ledger.DisposeAsync();

        Task CheckAsync(HttpStatusCode code, string status, string check, string says, double up, string? peer = null) =>
            host.UntilAsync(async () =>
            {
                var (actualCode, body) = await ReadyAsync(host);
                var metrics = await Metrics.ReadAsync(_http, host.ManagementUrl);
                return actualCode == code
                    && body.GetProperty("status").GetString() == status
                    && body.GetProperty(check).GetString()!.StartsWith(says, StringComparison.Ordinal)
                    && metrics.Sum("payouts_peer_up", ("peer", peer ?? check)).Equals(up);
            });
    }

    [Fact]
    public async Task An_event_that_the_broker_refuses_and_a_troubled_operation_show_and_take_no_host_down()
    {
        using var host = HostProcess.Start(_peers, ("Kafka__Properties__message.max.bytes", "3000"));
        await host.UntilReadyAsync();
        await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("large", 100_000));
        await host.CallAsync<Calls.CancelPayout_result>(
            "CancelPayout", new Calls.CancelPayout_args { PayoutId = "large", Details = new string('x', 4000) });

        await host.UntilAsync(async () => (await ReadyAsync(host)).Body.GetProperty("status").GetString() == "degraded");

        var (code, body) = await ReadyAsync(host);
        Assert.Equal(HttpStatusCode.OK, code);
        Assert.StartsWith("1 payouts are kept back, such as large: ", body.GetProperty("relay").GetString(), StringComparison.Ordinal);

        await Sql.ExecuteAsync(
            _peers.ConnectionString,
            """
            INSERT INTO pm.payout_operation (payout_id, kind, attempt, owner, lease_until, request, failed_tries, next_try_at)
            VALUES ('troubled', 'confirm', 1, 'somebody', now() + interval '1 hour', '{}', 1, now() + interval '1 hour')
            """);
        await host.UntilAsync(async () => (await ReadyAsync(host)).Body.GetProperty("operations").GetString()!
            .StartsWith("1 troubled, the oldest under way for ", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, (await ReadyAsync(host)).Code);
        await Sql.ExecuteAsync(_peers.ConnectionString, "DELETE FROM pm.payout_operation WHERE payout_id = 'troubled'");
        await host.UntilAsync(async () => (await ReadyAsync(host)).Body.GetProperty("operations").GetString() == "ok");
    }

    [Fact]
    public async Task A_topic_that_is_missing_is_named_and_not_made_and_found_once_it_is_there()
    {
        using var host = HostProcess.Start(_peers, ("Kafka__Topic", "not-yet"));
        await host.UntilAsync(async () => (await ReadyAsync(host)).Body.GetProperty("broker").GetString() == "topic not-yet does not exist");
        Assert.Equal(HttpStatusCode.OK, (await ReadyAsync(host)).Code);
        await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("early", 100_000));
        await host.UntilAsync(async () =>
            (await Metrics.ReadAsync(_http, host.ManagementUrl)).Sum("payouts_events_unpublished").Equals(1));
        Assert.Equal("topic not-yet does not exist", (await ReadyAsync(host)).Body.GetProperty("broker").GetString());

        Topic.Create(_peers.BootstrapServers, "not-yet");

        await host.UntilAsync(async () => (await ReadyAsync(host)).Body.GetProperty("status").GetString() == "ready");
        Assert.Equal(["early"], Topic.ReadUntil(_peers.BootstrapServers, "not-yet", read => read.Count == 1).Select(record => record.PayoutId));
    }

    [Fact]
    public async Task A_host_that_is_told_to_stop_says_so_finishes_its_calls_and_hands_over_at_once()
    {
        using var host = HostProcess.Start(_peers, ("Recovery__LeaseDuration", "00:05:00"));
        await host.UntilReadyAsync();
        using var other = HostProcess.Start(_peers, ("Recovery__LeaseDuration", "00:05:00"));
        await other.UntilReadyAsync();
        _peers.Sandbox.Faults.Settings = LedgerSilent;
        var call = host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("slow", 100_000));
        await host.UntilAsync(async () => await CountAsync("pm.payout_operation") == 1);

        host.Terminate();

        await host.UntilAsync(async () => await ReadyAsync(host) is (HttpStatusCode.ServiceUnavailable, var body)
            && body.GetProperty("status").GetString() == "stopping");
        var refused = await Assert.ThrowsAsync<WoodyCallException>(() => host.CallAsync<Calls.GetPayout_result>(
            "GetPayout", new Calls.GetPayout_args { PayoutId = "slow" }));
        Assert.Equal(WoodyOutcome.NotDone, refused.Outcome);
        _peers.Sandbox.Faults.Settings = new FaultSettings();
        Assert.Equal("slow", (await call).Success!.PayoutId);
        Assert.Equal(0, await host.WaitAsync());

        // The leases would run for five minutes yet.
        await other.CallAsync<Calls.ConfirmPayout_result>("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = "slow" });
        Assert.Equal([0, 1], _peers.ReadEvents(2).Select(e => e.Event.SequenceId));
    }

    [Fact]
    public async Task Calls_that_do_not_finish_in_time_are_ended_and_their_operations_go_on()
    {
        using var host = HostProcess.Start(_peers, ("Shutdown__Drain", "00:00:01"));
        await host.UntilReadyAsync();
        _peers.Sandbox.Faults.Settings = LedgerSilent;
        var call = host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("never", 100_000));
        await host.UntilAsync(async () => await CountAsync("pm.payout_operation") == 1);

        host.Terminate();

        Assert.Equal(WoodyOutcome.Unknown, (await Assert.ThrowsAsync<WoodyCallException>(() => call)).Outcome);
        Assert.Equal(0, await host.WaitAsync());
        Assert.Equal(1, await CountAsync("pm.payout_operation WHERE lease_until <= now()"));
    }

    /// <summary>The ledger answers nothing, so that whoever calls it tries on.</summary>
    private FaultSettings LedgerSilent => new() { Rate = 1, Kinds = [Fault.RequestLost], Path = _peers.Sandbox.ShumwayUrl.AbsolutePath };

    private static Task<SandboxServer> StartSandboxAsync(int port) => SandboxServer.StartAsync($"http://127.0.0.1:{port}");

    private async Task<(HttpStatusCode Code, JsonElement Body)> ReadyAsync(HostProcess host)
    {
        using var answer = await _http.GetAsync(new Uri(host.ManagementUrl, "health/ready"));
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement);
    }

    private async Task<long> CountAsync(string from)
    {
        await using var source = NpgsqlDataSource.Create(_peers.ConnectionString);
        await using var command = source.CreateCommand($"SELECT count(*) FROM {from}");
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
