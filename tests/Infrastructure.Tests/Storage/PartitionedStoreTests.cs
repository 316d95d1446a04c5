using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>The same statements on tables that are spread by payout id.</summary>
public sealed class PartitionedStoreTests : StoreTests
{
    private static readonly Lazy<Task<string>> Database = new(async () =>
    {
        var connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        await StorageHost.MigrateAsync(connectionString);
        await HashPartitions.MakeAsync(connectionString);
        return connectionString;
    });

    private string _connectionString = "";

    public override async Task DisposeAsync()
    {
        await ExecuteAsync(PostgresStoreTests.Clear);
        await base.DisposeAsync();
    }

    [Fact]
    public async Task Every_unique_key_contains_the_payout_id() => Assert.Empty(await QueryAsync(
        """
        SELECT indexdef FROM pg_indexes
        WHERE schemaname = 'pm' AND indexdef LIKE 'CREATE UNIQUE%' AND indexdef NOT LIKE '%payout\_id%'
            AND tablename !~ '^(relay_|audit_progress|payout_manager_migration)'
        """));

    protected override async Task<StorageOptions> CreateDatabaseAsync()
    {
        _connectionString = await Database.Value;
        return new StorageOptions { ConnectionString = _connectionString };
    }

    protected override Task ExecuteAsync(string sql) => Sql.ExecuteAsync(_connectionString, sql);

    protected override Task<IReadOnlyList<string>> QueryAsync(string sql) => Sql.QueryAsync(_connectionString, sql);

    protected override string Table(string name) => $"pm.{name}";
}
