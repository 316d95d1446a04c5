using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>Indexes of new versions are made on tables that are in use, be they plain or partitioned.</summary>
public sealed class PreparedIndexTests : IAsyncLifetime
{
    private const string VersionBefore = "20261127000002_TroubledOperations";

    // One partition has its index, another an invalid one; the others have none.
    private const string CutOffOnPartitions =
        """
        DROP INDEX pm.payout_event_first_idx;
        CREATE INDEX payout_event_first_idx ON ONLY pm.payout_event (stored_at, id) WHERE sequence_id = 0;
        DO $$ BEGIN
            FOR n IN 0..1 LOOP
                EXECUTE format('CREATE INDEX payout_event_first_idx_%1$s ON pm.payout_event_%2$s (stored_at, id) WHERE sequence_id = 0',
                               format('pm.payout_event_%s', n)::regclass::oid, n);
            END LOOP;
            EXECUTE format('ALTER INDEX pm.payout_event_first_idx ATTACH PARTITION pm.payout_event_first_idx_%s', 'pm.payout_event_0'::regclass::oid);
            UPDATE pg_index SET indisvalid = false
            WHERE indexrelid = format('pm.payout_event_first_idx_%s', 'pm.payout_event_1'::regclass::oid)::regclass;
        END $$
        """;

    private ServiceProvider _services = null!;
    private string _connectionString = "";

    public async Task InitializeAsync()
    {
        _connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        _services = new ServiceCollection().AddStorage(new StorageOptions { ConnectionString = _connectionString }).BuildServiceProvider();
        await using var context = _services.GetRequiredService<Func<PayoutDbContext>>()();
        await context.GetService<IMigrator>().MigrateAsync(VersionBefore);
    }

    public async Task DisposeAsync() => await _services.DisposeAsync();

    [Fact]
    public async Task On_a_plain_table_they_are_made_beside_writers()
    {
        await using var writer = new NpgsqlConnection(_connectionString);
        await writer.OpenAsync();
        await using (var transaction = await writer.BeginTransactionAsync())
        {
            await WriteAsync(writer, transaction, "p1");
            var migration = MigrateAsync();
            // The first of them has begun, and waits for this transaction, which goes on writing.
            await Sql.UntilAsync(async () => await Sql.QueryAsync(
                _connectionString, "SELECT 'there' WHERE to_regclass('pm.payout_event_stored_at_idx') IS NOT NULL") is not []);
            await WriteAsync(writer, transaction, "p2");
            Assert.False(migration.IsCompleted);
            await transaction.CommitAsync();
            await migration;
        }

        Assert.Equal(["payout_event_first_idx", "payout_event_stored_at_idx", "payout_operation_spent_idx"], await ListAsync());
    }

    [Fact]
    public async Task On_a_partitioned_table_they_are_made_partition_by_partition()
    {
        await HashPartitions.MakeAsync(_connectionString);
        await using var writer = new NpgsqlConnection(_connectionString);
        await writer.OpenAsync();
        for (var i = 0; i < 20; i++)
            await WriteAsync(writer, null, $"p{i}");

        await MigrateAsync();

        var names = await ListAsync();
        Assert.Equal(27, names.Count);
        Assert.Equal(["payout_event_first_idx", "payout_event_stored_at_idx", "payout_operation_spent_idx"], names.Where(name => !char.IsDigit(name[^1])));
        Assert.Equal(
            ["pm.payout_event_first_idx 8", "pm.payout_event_stored_at_idx 8", "pm.payout_operation_spent_idx 8"],
            await Sql.QueryAsync(
                _connectionString,
                """
                SELECT inhparent::regclass::text || ' ' || count(*) FROM pg_inherits
                WHERE inhparent IN ('pm.payout_event_first_idx'::regclass, 'pm.payout_event_stored_at_idx'::regclass, 'pm.payout_operation_spent_idx'::regclass)
                GROUP BY inhparent ORDER BY 1
                """));
        Assert.Empty(await _services.GetRequiredService<DatabaseMigrator>().GetPendingAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_cut_off_is_made_anew(bool isPartitioned)
    {
        if (isPartitioned)
            await HashPartitions.MakeAsync(_connectionString);
        await MigrateAsync();
        var whole = await ListAsync();
        await Sql.ExecuteAsync(
            _connectionString,
            $"""
            DELETE FROM pm.payout_manager_migration WHERE "MigrationId" > '{VersionBefore}';
            {(isPartitioned ? CutOffOnPartitions : "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'pm.payout_event_first_idx'::regclass")}
            """);

        await MigrateAsync();

        Assert.Equal(whole, await ListAsync());
    }

    private Task MigrateAsync() => _services.GetRequiredService<DatabaseMigrator>().MigrateAsync(CancellationToken.None);

    /// <summary>Those that are valid.</summary>
    private Task<IReadOnlyList<string>> ListAsync() => Sql.QueryAsync(
        _connectionString,
        """
        SELECT relname::text FROM pg_index JOIN pg_class ON oid = indexrelid
        WHERE relname ~ '^payout_(event|operation)_(first|stored_at|spent)_idx(_[0-9]+)?$' AND indisvalid ORDER BY 1
        """);

    private static async Task WriteAsync(NpgsqlConnection connection, NpgsqlTransaction? transaction, string id)
    {
        await using var command = new NpgsqlCommand(
            """
            WITH noted AS (INSERT INTO pm.payout_operation (payout_id, kind, attempt) VALUES ($1, 'spent', 1))
            INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload) VALUES ($1, 0, now(), '')
            """,
            connection,
            transaction)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = id } },
        };
        await command.ExecuteNonQueryAsync();
    }
}
