using Npgsql;
using PayoutManager.Testing;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>The payouts' tables in eight partitions by hash of the payout id, with the keys that they have in a cluster.</summary>
internal static class HashPartitions
{
    private static readonly string[] Tables = ["payout", "cash_flow_posting", "payout_operation", "payout_event", "event_outbox", "audit_finding"];

    /// <summary>Makes new tables of those of a migrated database, which is empty.</summary>
    public static async Task MakeAsync(string connectionString)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        var keys = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy/citus/1-keys.sql"));
        foreach (var statement in keys.Split(";\n", StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            await ExecuteAsync(source, statement);
        foreach (var table in Tables)
            await ExecuteAsync(source, Partition(table));
    }

    private static string Partition(string table) =>
        $"""
        DO $$
        DECLARE
            numbers text;
        BEGIN
            -- The version may be one before it.
            IF to_regclass('pm.{table}') IS NULL THEN
                RETURN;
            END IF;
            IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'pm.{table}'::regclass AND attname = 'id') THEN
                numbers := pg_get_serial_sequence('pm.{table}', 'id');
            END IF;
            ALTER TABLE pm.{table} RENAME TO before;
            CREATE TABLE pm.{table} (LIKE pm.before INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES) PARTITION BY HASH (payout_id);
            FOR remainder IN 0..7 LOOP
                EXECUTE format('CREATE TABLE pm.{table}_%s PARTITION OF pm.{table} FOR VALUES WITH (MODULUS 8, REMAINDER %s)', remainder, remainder);
            END LOOP;
            IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'pm.before'::regclass AND attname = 'id' AND attidentity = '') THEN
                EXECUTE format('ALTER SEQUENCE %s OWNED BY pm.{table}.id', numbers);
            END IF;
            DROP TABLE pm.before;
        END $$
        """;

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
#pragma warning disable CA2100 // The statements above and those of the script.
        await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }
}
