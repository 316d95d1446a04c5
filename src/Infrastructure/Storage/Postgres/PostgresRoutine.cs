using Npgsql;
using NpgsqlTypes;
using PayoutManager.Application.Ports;
using PayoutManager.Infrastructure.Storage.Rows;
using static PayoutManager.Infrastructure.Storage.Postgres.PostgresParameter;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>What a host asks of PostgreSQL again and again, by hand.</summary>
internal sealed class PostgresRoutine(NpgsqlDataSource source, StaleConnections staleConnections) : IRoutineStatements
{
    private const string Encoding = "UTF8";
    private const string Isolation = "read committed";
    private const string Troubled = "troubled";

    // All that there are, in order. EF Core would look for them among the types of the assembly.
    private static readonly string[] Migrations =
        [
            "20261123000001_IncumbentTables", "20261123000002_Operations", "20261123000003_PostingIndex",
            "20261126000001_RequestsAndActors", "20261127000002_TroubledOperations",
        ];

    // What statements do with each table, by the names of PostgreSQL's rights.
    internal static readonly string[] Rights =
        [
            "SELECT on pm.payout", "INSERT on pm.payout", "UPDATE on pm.payout",
            "SELECT on pm.cash_flow_posting", "INSERT on pm.cash_flow_posting",
            "SELECT on pm.payout_operation", "INSERT on pm.payout_operation", "UPDATE on pm.payout_operation",
            "DELETE on pm.payout_operation",
            "SELECT on pm.payout_event", "INSERT on pm.payout_event", "UPDATE on pm.payout_event",
            "SELECT on pm.relay_lease", "UPDATE on pm.relay_lease",
        ];

    public async Task<DatabaseState> ReadStateAsync(CancellationToken cancellationToken)
    {
        // Of the connections that writes use.
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            """
            SELECT current_setting('server_encoding'), current_setting('transaction_isolation'),
                   pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean
            """));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            $"""SELECT "MigrationId" FROM {PostgresTypes.Schema}.{PayoutDbContext.MigrationsTable}"""));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            """
            SELECT needed FROM unnest($1) needed
            WHERE NOT has_schema_privilege('pm', 'USAGE')
                OR NOT has_table_privilege(split_part(needed, ' on ', 2), split_part(needed, ' on ', 1))
            UNION ALL
            SELECT 'USAGE on ' || sequence.oid::regclass
            FROM pg_class sequence JOIN pg_depend ON objid = sequence.oid AND deptype = 'a'
            WHERE relnamespace = 'pm'::regnamespace
                AND CASE WHEN relkind = 'S' THEN NOT has_sequence_privilege(sequence.oid, 'USAGE') ELSE false END
            """)
        {
            Parameters = { Of(Rights) },
        });
        DatabaseState? state = null;
        try
        {
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            state = new DatabaseState(Migrations)
            {
                Unusable = WhyUnusable(reader.GetString(0), reader.GetString(1)),
                IsReadOnly = reader.GetBoolean(2),
            };
            await reader.NextResultAsync(cancellationToken);
            var applied = new HashSet<string>();
            while (await reader.ReadAsync(cancellationToken))
                applied.Add(reader.GetString(0));
            state = state with { Pending = [.. Migrations.Where(migration => !applied.Contains(migration))] };
            await reader.NextResultAsync(cancellationToken);
            var missing = new List<string>();
            while (await reader.ReadAsync(cancellationToken))
                missing.Add(reader.GetString(0));
            state = state with { MissingRights = missing };
        }
        catch (PostgresException e) when (state is not null && IsMissing(e))
        {
            // There is no table of migrations yet, or not every other.
        }

        if (state.IsReadOnly)
            staleConnections.Drop();
        return state;
    }

    public async Task<bool> TryLeaseRelayAsync(string owner, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            """
            UPDATE pm.relay_lease SET owner = $2, lease_until = clock_timestamp() + make_interval(secs => $3)
            WHERE id = $1 AND (owner = $2 OR lease_until IS NULL OR lease_until <= clock_timestamp())
            """);
        command.Parameters.Add(Of(RelayLeaseRow.OnlyId));
        command.Parameters.Add(Of(owner));
        command.Parameters.Add(Of(lease.TotalSeconds));
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    public async Task<bool> ReleaseRelayAsync(string owner, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            "UPDATE pm.relay_lease SET owner = NULL, lease_until = NULL WHERE id = $1 AND owner = $2");
        command.Parameters.Add(Of(RelayLeaseRow.OnlyId));
        command.Parameters.Add(Of(owner));
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    public async Task<DuePage> ListDueAsync(
        DuePosition? after, bool ignorePauses, int limit, CancellationToken cancellationToken)
    {
        // The first row brings the time, also where nothing is due.
        await using var command = source.CreateCommand(
            """
            SELECT statement_timestamp(), NULL, 0
            UNION ALL (
                SELECT GREATEST(lease_until, next_try_at), payout_id, failed_tries
                FROM pm.payout_operation
                WHERE lease_until IS NOT NULL AND lease_until <= statement_timestamp()
                    AND GREATEST(lease_until, next_try_at) <= CASE WHEN $3 THEN 'infinity' ELSE statement_timestamp() END
                    AND (GREATEST(lease_until, next_try_at), payout_id) > (coalesce($1, '-infinity'), $2)
                ORDER BY GREATEST(lease_until, next_try_at), payout_id
                LIMIT $4)
            """);
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = (object?)after?.At.UtcDateTime ?? DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.TimestampTz,
        });
        command.Parameters.Add(Of(after?.PayoutId ?? ""));
        command.Parameters.Add(Of(ignorePauses));
        command.Parameters.Add(Of(limit));
        DateTimeOffset? now = null;
        var operations = new List<DueOperation>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var at = reader.GetFieldValue<DateTimeOffset>(0);
            if (reader.IsDBNull(1))
                now = at;
            else
                operations.Add(new DueOperation(new DuePosition(at, reader.GetString(1)), reader.GetInt32(2)));
        }

        return new DuePage(operations, now!.Value);
    }

    public async Task<Backlog> ReadBacklogAsync(CancellationToken cancellationToken)
    {
        // What is written while this is read has no age yet. An operation under way has a lease, by which it is found; notes of spent
        // attempts have none, and may be many.
        await using var command = source.CreateCommand(
            $"""
            SELECT kind, count(*), greatest(clock_timestamp() - min(started_at), interval '0')
            FROM pm.payout_operation WHERE lease_until IS NOT NULL GROUP BY kind
            UNION ALL
            SELECT '{Troubled}', count(*), greatest(clock_timestamp() - min(started_at), interval '0')
            FROM pm.payout_operation WHERE next_try_at IS NOT NULL
            UNION ALL
            SELECT NULL, count(*), greatest(clock_timestamp() - min(stored_at), interval '0')
            FROM pm.payout_event WHERE published_at IS NULL
            """);
        var operations = new Dictionary<string, Waiting>();
        var (troubled, events) = (default(Waiting), default(Waiting));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var waiting = new Waiting(reader.GetInt64(1), reader.GetTimeSpan(2));
            if (reader.IsDBNull(0))
                events = waiting;
            else if (reader.GetString(0) == Troubled)
                troubled = waiting;
            else
                operations.Add(reader.GetString(0), waiting);
        }

        return new Backlog(operations, troubled, events);
    }

    private static string? WhyUnusable(string encoding, string isolation) =>
        encoding != Encoding
            ? $"The database's encoding is {encoding} and must be {Encoding}: make it anew with ENCODING '{Encoding}'."
            : isolation != Isolation
                ? $"Sessions of the database run at isolation level {isolation} and must run at {Isolation}: "
                    + "this host's start-up option default_transaction_isolation is overridden in the connection string's Options, or "
                    + "dropped by a pooler; then set it by ALTER ROLE or ALTER DATABASE."
                : null;

    private static bool IsMissing(PostgresException e) =>
        e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName;
}
