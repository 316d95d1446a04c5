using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Sandbox;
using PayoutManager.Sandbox.Broker;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests;

/// <summary>Peers as in production, outside of the host: PostgreSQL, a broker, a sandbox.</summary>
public sealed class PostgresPeers : IAsyncDisposable
{
    private readonly IDisposable _broker;

    private PostgresPeers(string connectionString, SandboxServer sandbox, IDisposable broker, string bootstrapServers)
    {
        ConnectionString = connectionString;
        Sandbox = sandbox;
        _broker = broker;
        BootstrapServers = bootstrapServers;
    }

    public string ConnectionString { get; }

    public SandboxServer Sandbox { get; private set; }

    public string BootstrapServers { get; }

    /// <summary>The configuration of a host that uses them.</summary>
    public (string Key, string Value)[] Configuration =>
    [
        ("Storage:Provider", "Postgres"),
        ("ConnectionStrings:Payouts", ConnectionString),
        ("PartyManagement:Url", Sandbox.PartyManagementUrl.ToString()),
        ("Shumway:Url", Sandbox.ShumwayUrl.ToString()),
        ("Kafka:BootstrapServers", BootstrapServers),
    ];

    public static async Task<PostgresPeers> StartAsync(LedgerForm ledger = LedgerForm.Deployed)
    {
        var broker = new EmbeddedBroker(KafkaOptions.DefaultTopic);
        return new PostgresPeers(
            await (await PostgresServer.GetAsync()).CreateDatabaseAsync(),
            await SandboxServer.StartAsync("http://127.0.0.1:0", ledger: ledger),
            broker,
            broker.BootstrapServers);
    }

    /// <summary>Peers of which the test can kill the database and silence the broker.</summary>
    public static async Task<PostgresPeers> StartAsync(
        InstalledPostgres postgres, BrokerProcess broker, LedgerForm ledger = LedgerForm.Deployed) =>
        await StartAsync(postgres, broker, broker.BootstrapServers, ledger);

    /// <summary>Peers with any broker.</summary>
    public static async Task<PostgresPeers> StartAsync(
        InstalledPostgres postgres, IDisposable broker, string bootstrapServers, LedgerForm ledger = LedgerForm.Deployed) => new(
        await PostgresServer.CreateDatabaseAsync(postgres.ConnectionString),
        await SandboxServer.StartAsync("http://127.0.0.1:0", ledger: ledger),
        broker,
        bootstrapServers);

    /// <summary>Puts a new sandbox in the place of this one.</summary>
    public async Task RenewSandboxAsync(LedgerForm ledger)
    {
        var url = Sandbox.Url.ToString();
        await Sandbox.DisposeAsync();
        Sandbox = await SandboxServer.StartAsync(url, ledger: ledger);
    }

    public IReadOnlyDictionary<string, PlanState> Plans(string containing) =>
        Sandbox.Accounter.ListPlans(containing).ToDictionary(p => p.Id, p => p.State);

    public AccountView Account(long id) => Sandbox.Accounter.ListAccounts().Single(a => a.Id == id);

    /// <summary>Reads events of payouts whose ids begin in a way, until there are as many.</summary>
    public IReadOnlyList<TopicRecord> ReadEvents(int count, string prefix = "")
    {
        return [.. Topic.ReadUntil(BootstrapServers, KafkaOptions.DefaultTopic, read => read.Count(IsOne) >= count).Where(IsOne)];

        bool IsOne(TopicRecord record) => record.PayoutId.StartsWith(prefix, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await Sandbox.DisposeAsync();
        _broker.Dispose();
    }
}
