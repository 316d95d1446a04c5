using System.Data.Common;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>
/// Makes indexes of pending migrations beforehand, while their tables are in use: each is built concurrently, on a partitioned table
/// partition by partition, which no single statement does. A migration finds them there; where its table is new and empty it makes them
/// itself. What an earlier start of this has left invalid is made anew.
/// </summary>
internal static class PreparedIndexes
{
    private static readonly Index[] All =
    [
        new("payout_event_stored_at_idx", "payout_event", "(stored_at, id)"),
        new("payout_event_first_idx", "payout_event", "(stored_at, id) WHERE sequence_id = 0"),
        new("payout_operation_spent_idx", "payout_operation", "(started_at, payout_id) WHERE kind = 'spent'"),
    ];

    /// <summary>Makes those that are missing on tables that are there.</summary>
    /// <param name="connection">An open connection that is in no transaction.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task MakeAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        foreach (var index in All)
        {
            if (await FindAsync(connection, index.Table, cancellationToken) is { } kind)
                await MakeAsync(connection, index, kind, cancellationToken);
        }
    }

    private static async Task MakeAsync(DbConnection connection, Index index, char tableKind, CancellationToken cancellationToken)
    {
        if (await IsValidAsync(connection, index.Name, cancellationToken))
            return;
        if (tableKind != 'p')
        {
            // It waits for every older transaction, which may take longer than any other statement may wait for a lock; nobody waits for it.
            await ExecuteAsync(connection, "SET lock_timeout = 0", cancellationToken);
            await ExecuteAsync(connection, $"DROP INDEX CONCURRENTLY IF EXISTS pm.{index.Name}", cancellationToken);
            await ExecuteAsync(connection, $"CREATE INDEX CONCURRENTLY {index.Name} ON pm.{index.Table} {index.Definition}", cancellationToken);
            await ExecuteAsync(connection, "SET lock_timeout = '300ms'", cancellationToken);
            return;
        }

        // Invalid until each partition has its own.
        await ExecuteAsync(
            connection, $"CREATE INDEX IF NOT EXISTS {index.Name} ON ONLY pm.{index.Table} {index.Definition}", cancellationToken);
        foreach (var (partition, number, kind) in await ListPartitionsAsync(connection, index.Table, cancellationToken))
        {
            var own = index with { Name = $"{index.Name}_{number}", Table = partition };
            await MakeAsync(connection, own, kind, cancellationToken);
            await ExecuteAsync(connection, $"ALTER INDEX pm.{index.Name} ATTACH PARTITION pm.{own.Name}", cancellationToken);
        }
    }

    /// <summary>What a table is; null if it is not there.</summary>
    private static async Task<char?> FindAsync(DbConnection connection, string table, CancellationToken cancellationToken) =>
        await ScalarAsync(connection, $"SELECT relkind FROM pg_class WHERE oid = to_regclass('pm.{table}')", cancellationToken) as char?;

    private static async Task<bool> IsValidAsync(DbConnection connection, string index, CancellationToken cancellationToken) =>
        await ScalarAsync(
            connection, $"SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('pm.{index}')", cancellationToken) is true;

    private static async Task<IReadOnlyList<(string Name, long Number, char Kind)>> ListPartitionsAsync(
        DbConnection connection, string table, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Of the names above.
        command.CommandText =
            $"""
            SELECT quote_ident(relname), inhrelid::bigint, relkind
            FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'pm.{table}'::regclass
            """;
#pragma warning restore CA2100
        var partitions = new List<(string, long, char)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            partitions.Add((reader.GetString(0), reader.GetInt64(1), reader.GetChar(2)));
        return partitions;
    }

    private static async Task<object?> ScalarAsync(DbConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Of the names above.
        command.CommandText = sql;
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(DbConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Of the names above.
        command.CommandText = sql;
#pragma warning restore CA2100
        // As long as the table is large.
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed record Index(string Name, string Table, string Definition);
}
