using Npgsql;
using Npgsql.PostgresTypes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage.Rows;
using static PayoutManager.Infrastructure.Storage.Postgres.PostgresParameter;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>What a host asks of PostgreSQL again and again, by hand.</summary>
internal sealed class PostgresRoutine(NpgsqlDataSource source) : IRoutineStatements
{
    // All that there are, in order. EF Core would look for them among the types of the assembly.
    private static readonly string[] Migrations =
        ["20261123000001_IncumbentTables", "20261123000002_Operations", "20261123000003_PostingIndex"];

    public async Task<IReadOnlyList<string>> ListPendingMigrationsAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var command = source.CreateCommand(
                $"""SELECT "MigrationId" FROM {PostgresTypes.Schema}.{PayoutDbContext.MigrationsTable}""");
            var applied = new HashSet<string>();
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                applied.Add(reader.GetString(0));
            return [.. Migrations.Where(migration => !applied.Contains(migration))];
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            return Migrations;
        }
    }

    public async Task LearnTypesAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        if (await KnowsTypesAsync(connection, cancellationToken))
            return;
        await source.ReloadTypesAsync(cancellationToken);
        // Those that are open keep what they learnt; they make way for new ones.
        source.Clear();
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

    public async Task<IReadOnlyList<PayoutId>> ListExpiredAsync(int limit, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            "SELECT payout_id FROM pm.payout_operation WHERE lease_until <= clock_timestamp() ORDER BY lease_until LIMIT $1");
        command.Parameters.Add(Of(limit));
        var ids = new List<PayoutId>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            ids.Add(new PayoutId(reader.GetString(0)));
        return ids;
    }

    public async Task<Backlog> ReadBacklogAsync(CancellationToken cancellationToken)
    {
        // What is written while this is read has no age yet. An operation under way has a lease, by which it is found; notes of spent
        // attempts have none, and may be many.
        await using var command = source.CreateCommand(
            """
            SELECT kind, count(*), greatest(clock_timestamp() - min(started_at), interval '0')
            FROM pm.payout_operation WHERE lease_until IS NOT NULL GROUP BY kind
            UNION ALL
            SELECT NULL, count(*), greatest(clock_timestamp() - min(stored_at), interval '0')
            FROM pm.payout_event WHERE published_at IS NULL
            """);
        var operations = new Dictionary<string, Waiting>();
        var events = new Waiting(0, TimeSpan.Zero);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var waiting = new Waiting(reader.GetInt64(1), reader.GetTimeSpan(2));
            if (reader.IsDBNull(0))
                events = waiting;
            else
                operations.Add(reader.GetString(0), waiting);
        }

        return new Backlog(operations, events);
    }

    private static async Task<bool> KnowsTypesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT NULL::pm.payout_status, NULL::pm.account_type", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return reader.GetPostgresType(0) is PostgresEnumType && reader.GetPostgresType(1) is PostgresEnumType;
    }
}
