using Npgsql;
using NpgsqlTypes;
using PayoutManager.Application.Ports;
using static PayoutManager.Infrastructure.Storage.Postgres.PostgresParameter;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>What a host asks of PostgreSQL again and again, by hand.</summary>
internal sealed class PostgresRoutine(NpgsqlDataSource source, StaleConnections staleConnections) : IRoutineStatements
{
    private const int CountedEvents = 100;
    private const string Encoding = "UTF8";
    private const string Isolation = "read committed";
    private const string Troubled = "troubled";

    // All that there are, in order. EF Core would look for them among the types of the assembly.
    private static readonly string[] Migrations =
        [
            "20261123000001_IncumbentTables", "20261123000002_Operations", "20261123000003_PostingIndex",
            "20261126000001_RequestsAndActors", "20261127000001_OutboxLanes", "20261127000002_TroubledOperations",
            "20261128000001_RefusedPlans", "20261129000001_AuditProgress", "20261130000001_Retention",
        ];

    // What statements do with each table, by the names of PostgreSQL's rights.
    internal static readonly string[] Rights =
        [
            "SELECT on pm.payout", "INSERT on pm.payout", "UPDATE on pm.payout",
            "SELECT on pm.cash_flow_posting", "INSERT on pm.cash_flow_posting",
            "SELECT on pm.payout_operation", "INSERT on pm.payout_operation", "UPDATE on pm.payout_operation",
            "DELETE on pm.payout_operation",
            "SELECT on pm.payout_event", "INSERT on pm.payout_event",
            "SELECT on pm.event_outbox", "INSERT on pm.event_outbox", "UPDATE on pm.event_outbox", "DELETE on pm.event_outbox",
            "SELECT on pm.relay_lane", "UPDATE on pm.relay_lane",
            "SELECT on pm.relay_host", "INSERT on pm.relay_host", "UPDATE on pm.relay_host", "DELETE on pm.relay_host",
            "SELECT on pm.audit_progress", "UPDATE on pm.audit_progress",
            "SELECT on pm.audit_finding", "INSERT on pm.audit_finding", "UPDATE on pm.audit_finding", "DELETE on pm.audit_finding",
        ];

    public async Task<DatabaseState> ReadStateAsync(CancellationToken cancellationToken)
    {
        // Of the connections that writes use.
        await using var connection = await Database.OpenAnyAsync(source, cancellationToken);
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

        catch (PostgresException e) when (DatabaseErrors.IsForbidden(e))
        {
            staleConnections.Drop();
            throw;
        }

        if (state.IsReadOnly || state.MissingRights is not [])
            staleConnections.Drop();
        return state;
    }

    public async Task<LaneBook> ReadLanesAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            """
            SELECT statement_timestamp(), lane, owner, coalesce(lease_until <= statement_timestamp(), true)
            FROM pm.relay_lane
            UNION ALL
            SELECT statement_timestamp(), NULL, owner, NULL FROM pm.relay_host WHERE present_until > statement_timestamp()
            """);
        var (now, hosts, lanes) = (default(DateTimeOffset), new List<string>(), new List<LaneLease>());
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            now = reader.GetFieldValue<DateTimeOffset>(0);
            if (reader.IsDBNull(1))
                hosts.Add(reader.GetString(2));
            else
                lanes.Add(new LaneLease(reader.GetInt16(1), reader.IsDBNull(2) ? null : reader.GetString(2), reader.GetBoolean(3)));
        }

        return new LaneBook(now, [.. hosts.Order(StringComparer.Ordinal)], [.. lanes.OrderBy(lane => lane.Lane)]);
    }

    public async Task<IReadOnlyList<int>> LeaseLanesAsync(
        string owner, IReadOnlyCollection<int> lanes, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            """
            WITH present AS (
                INSERT INTO pm.relay_host (owner, present_until) VALUES ($1, statement_timestamp() + make_interval(secs => $3))
                ON CONFLICT (owner) DO UPDATE SET present_until = excluded.present_until
            ), gone AS (
                DELETE FROM pm.relay_host WHERE owner <> $1 AND present_until < statement_timestamp() - interval '1 hour'
            )
            UPDATE pm.relay_lane SET owner = $1, lease_until = statement_timestamp() + make_interval(secs => $3)
            WHERE lane = ANY ($2) AND (owner = $1 OR lease_until IS NULL OR lease_until <= statement_timestamp())
            RETURNING lane
            """);
        command.Parameters.Add(Of(owner));
        command.Parameters.Add(Of(ToArray(lanes)));
        command.Parameters.Add(Of(lease.TotalSeconds));
        var leased = new List<int>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            leased.Add(reader.GetInt16(0));
        return leased;
    }

    public async Task<int> ReleaseLanesAsync(string owner, IReadOnlyCollection<int>? lanes, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            """
            WITH gone AS (DELETE FROM pm.relay_host WHERE owner = $1 AND $2::smallint[] IS NULL)
            UPDATE pm.relay_lane SET owner = NULL, lease_until = NULL WHERE owner = $1 AND ($2::smallint[] IS NULL OR lane = ANY ($2))
            """);
        command.Parameters.Add(Of(owner));
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = lanes is null ? DBNull.Value : ToArray(lanes),
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Smallint,
        });
        return await command.ExecuteNonQueryAsync(cancellationToken);
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

    public async Task<BacklogReading> ReadBacklogAsync(BacklogBounds from, CancellationToken cancellationToken)
    {
        // An operation under way has a lease, by which it is found; notes of spent attempts have none, and may be many. Of events only
        // few are counted; of more there is an estimate, that of the statistics which writing keeps.
        await using var command = source.CreateCommand(
            $"""
            SELECT statement_timestamp(), kind, count(*), min(started_at), min(GREATEST(lease_until, next_try_at))
            FROM pm.payout_operation WHERE lease_until IS NOT NULL AND GREATEST(lease_until, next_try_at) >= $1 GROUP BY kind
            UNION ALL
            SELECT statement_timestamp(), '{Troubled}', count(*), min(started_at), NULL
            FROM pm.payout_operation WHERE next_try_at IS NOT NULL
            UNION ALL
            SELECT statement_timestamp(), NULL, CASE WHEN count(*) <= $3 THEN count(*) ELSE greatest(count(*), (
                SELECT sum(pg_stat_get_live_tuples(relid)) FROM pg_partition_tree('pm.event_outbox') WHERE isleaf)::bigint) END,
                min(stored_at), NULL
            FROM (SELECT stored_at FROM pm.event_outbox WHERE stored_at >= $2 ORDER BY stored_at LIMIT $3 + 1) AS oldest
            """);
        command.Parameters.Add(Of(from.Due.UtcDateTime));
        command.Parameters.Add(Of(from.StoredAt.UtcDateTime));
        command.Parameters.Add(Of(CountedEvents));
        var operations = new Dictionary<string, Waiting>();
        var (troubled, events, now) = (default(Waiting), default(Waiting), default(DateTimeOffset));
        DateTimeOffset? earliestDue = null;
        DateTimeOffset? oldestEvent = null;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            now = reader.GetFieldValue<DateTimeOffset>(0);
            DateTimeOffset? oldest = reader.IsDBNull(3) ? null : reader.GetFieldValue<DateTimeOffset>(3);
            // What is written while this is read has no age yet.
            var waiting = new Waiting(reader.GetInt64(2), oldest < now ? now - oldest.Value : TimeSpan.Zero);
            switch (reader.IsDBNull(1) ? null : reader.GetString(1))
            {
                case null:
                    (events, oldestEvent) = (waiting, oldest);
                    break;
                case Troubled:
                    troubled = waiting;
                    break;
                case var kind:
                    operations.Add(kind, waiting);
                    var due = reader.GetFieldValue<DateTimeOffset>(4);
                    if (!(due > earliestDue))
                        earliestDue = due;
                    break;
            }
        }

        return new BacklogReading(new Backlog(operations, troubled, events), now, earliestDue, oldestEvent);
    }

    private static short[] ToArray(IReadOnlyCollection<int> lanes) => [.. lanes.Select(lane => (short)lane)];

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
