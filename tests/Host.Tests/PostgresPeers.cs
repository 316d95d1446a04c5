using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Sandbox;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests;

/// <summary>Peers as in production, outside of the host: PostgreSQL, a broker, a sandbox.</summary>
public sealed class PostgresPeers : IAsyncDisposable
{
    private readonly EmbeddedBroker _broker = new();

    private PostgresPeers(string connectionString, SandboxServer sandbox)
    {
        ConnectionString = connectionString;
        Sandbox = sandbox;
    }

    public string ConnectionString { get; }

    public SandboxServer Sandbox { get; }

    public string BootstrapServers => _broker.BootstrapServers;

    /// <summary>The configuration of a host that uses them.</summary>
    public (string Key, string Value)[] Configuration =>
    [
        ("Storage:Provider", "Postgres"),
        ("ConnectionStrings:Payouts", ConnectionString),
        ("PartyManagement:Url", Sandbox.PartyManagementUrl.ToString()),
        ("Shumway:Url", Sandbox.ShumwayUrl.ToString()),
        ("Kafka:BootstrapServers", BootstrapServers),
    ];

    public static async Task<PostgresPeers> StartAsync() => new(
        await (await PostgresServer.GetAsync()).CreateDatabaseAsync(),
        await SandboxServer.StartAsync("http://127.0.0.1:0"));

    public IReadOnlyDictionary<string, PlanState> Plans(string containing) =>
        Sandbox.Accounter.ListPlans(containing).ToDictionary(p => p.Id, p => p.State);

    public AccountView Account(long id) => Sandbox.Accounter.ListAccounts().Single(a => a.Id == id);

    public IReadOnlyList<TopicRecord> ReadEvents(int count) =>
        Topic.ReadUntil(BootstrapServers, KafkaOptions.DefaultTopic, read => read.Count >= count);

    public async ValueTask DisposeAsync()
    {
        await Sandbox.DisposeAsync();
        _broker.Dispose();
    }
}
