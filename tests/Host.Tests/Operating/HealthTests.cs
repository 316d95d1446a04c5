using System.Net;
using Npgsql;
using PayoutManager.Sandbox.Faults;
using PayoutManager.Testing;
using PayoutManager.Woody;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Operating;

public sealed class HealthTests : IAsyncLifetime
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
    public async Task An_event_that_the_broker_refuses_and_a_troubled_operation_show_and_take_no_host_down()
    {
        using var host = HostProcess.Start(_peers, ("Kafka__Properties__message.max.bytes", "3000"));
        await host.UntilReadyAsync();
        await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("large", 100_000));
        await host.CallAsync<Calls.CancelPayout_result>(
            "CancelPayout", new Calls.CancelPayout_args { PayoutId = "large", Details = new string('x', 4000) });

        await host.UntilAsync(async () => (await ReadyAsync(host)).Body["status"] == "degraded");

        var (code, body) = await ReadyAsync(host);
        Assert.Equal(HttpStatusCode.OK, code);
        Assert.StartsWith("1 payouts are kept back, such as large: ", body["relay"], StringComparison.Ordinal);

        await Sql.ExecuteAsync(
            _peers.ConnectionString,
            """
            INSERT INTO pm.payout_operation (payout_id, kind, attempt, owner, lease_until, request, failed_tries, next_try_at)
            VALUES ('troubled', 'confirm', 1, 'somebody', now() + interval '1 hour', '{}', 1, now() + interval '1 hour')
            """);
        await host.UntilAsync(async () => (await ReadyAsync(host)).Body["operations"]
            .StartsWith("1 troubled, the oldest under way for ", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, (await ReadyAsync(host)).Code);
        await Sql.ExecuteAsync(_peers.ConnectionString, "DELETE FROM pm.payout_operation WHERE payout_id = 'troubled'");
        await host.UntilAsync(async () => (await ReadyAsync(host)).Body["operations"] == "ok");
    }

    [Fact]
    public async Task A_topic_that_is_missing_is_named_and_not_made_and_found_once_it_is_there()
    {
        using var host = HostProcess.Start(_peers, ("Kafka__Topic", "not-yet"));
        await host.UntilReadyAsync();
        await host.UntilAsync(async () => (await ReadyAsync(host)).Body["broker"] == "topic not-yet does not exist");
        Assert.Equal(HttpStatusCode.OK, (await ReadyAsync(host)).Code);
        await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("early", 100_000));
        await host.UntilAsync(async () =>
            (await Metrics.ReadAsync(_http, host.ManagementUrl)).Sum("payouts_events_unpublished").Equals(1));
        Assert.Equal("topic not-yet does not exist", (await ReadyAsync(host)).Body["broker"]);

        Topic.Create(_peers.BootstrapServers, "not-yet");

        await host.UntilAsync(async () => (await ReadyAsync(host)).Body["status"] == "ready");
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
            && body["status"] == "stopping");
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

    private Task<Readiness> ReadyAsync(HostProcess host) => Readiness.ReadAsync(_http, host.ManagementUrl);

    private async Task<long> CountAsync(string from)
    {
        await using var source = NpgsqlDataSource.Create(_peers.ConnectionString);
        await using var command = source.CreateCommand($"SELECT count(*) FROM {from}");
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
