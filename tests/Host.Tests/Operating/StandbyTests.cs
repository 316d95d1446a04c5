using System.Net;
using Npgsql;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Sandbox.Broker;
using PayoutManager.Testing;
using PayoutManager.Woody;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>A real standby, to which the primary streams.</summary>
public sealed class StandbyTests : IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private InstalledPostgres _primary = null!;
    private InstalledPostgres _standby = null!;
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync()
    {
        _primary = await InstalledPostgres.StartAsync();
        var broker = new EmbeddedBroker(KafkaOptions.DefaultTopic);
        _peers = await PostgresPeers.StartAsync(_primary, broker, broker.BootstrapServers);
        _standby = await _primary.StartStandbyAsync();
    }

    public async Task DisposeAsync()
    {
        await _peers.DisposeAsync();
        _http.Dispose();
    }

    [Fact]
    public async Task A_host_of_a_standby_alone_does_nothing_and_one_of_both_follows_the_primary()
    {
        using var both = Start($"{_standby.Address},{_primary.Address}", "Target Session Attributes=primary");
        await both.UntilReadyAsync();
        Assert.Equal("p1", (await CreateAsync(both, "p1")).Success!.PayoutId);
        using var alone = Start(_standby.Address);

        await alone.UntilAsync(async () => await Readiness.ReadAsync(_http, alone.ManagementUrl) is (HttpStatusCode.ServiceUnavailable, var body)
            && body["status"] == "not ready"
            && body["database"] == "read-only: a standby, or default_transaction_read_only is on");
        // A standby may lag behind: not even that a payout does not exist is certain there.
        foreach (var (what, callAsync) in ((string, Func<Task>)[])
            [
                ("create", () => CreateAsync(alone, "p2")),
                ("confirm", () => ConfirmAsync(alone, "p1")),
                ("confirm what is not there", () => ConfirmAsync(alone, "p2")),
                ("get", () => GetAsync(alone, "p1")),
                ("get what is not there", () => GetAsync(alone, "p2")),
            ])
        {
            var refused = await Record.ExceptionAsync(callAsync) as WoodyCallException;
            Assert.Equal((what, WoodyOutcome.NotDone, 503), (what, refused?.Outcome, refused?.HttpStatus));
        }

        Assert.Empty(_peers.Plans("p2"));

        _primary.Kill();
        await _standby.PromoteAsync();

        await alone.UntilReadyAsync();
        await both.UntilAsync(async () => await Readiness.ReadAsync(_http, both.ManagementUrl) is (HttpStatusCode.OK, var body) && body["status"] == "ready");
        // It may be ready because it has not yet looked since the primary died.
        await both.UntilAsync(async () => await Record.ExceptionAsync(() => ConfirmAsync(both, "p1")) is not WoodyCallException { Outcome: WoodyOutcome.NotDone });
        Assert.Null((await ConfirmAsync(both, "p1")).Ex1);
        Assert.Equal("p2", (await CreateAsync(alone, "p2")).Success!.PayoutId);
    }

    private HostProcess Start(string addresses, string more = "") => HostProcess.Start(
        _peers,
        ("ConnectionStrings__Payouts", $"Host={addresses};Username=postgres;Database={new NpgsqlConnectionStringBuilder(_peers.ConnectionString).Database};{more}"));

    private static Task<Calls.CreatePayout_result> CreateAsync(HostProcess host, string id) =>
        host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs(id, 100_000), TimeSpan.FromSeconds(10));

    private static Task<Calls.ConfirmPayout_result> ConfirmAsync(HostProcess host, string id) =>
        host.CallAsync<Calls.ConfirmPayout_result>("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = id }, TimeSpan.FromSeconds(10));

    private static Task<Calls.GetPayout_result> GetAsync(HostProcess host, string id) =>
        host.CallAsync<Calls.GetPayout_result>("GetPayout", new Calls.GetPayout_args { PayoutId = id });
}
