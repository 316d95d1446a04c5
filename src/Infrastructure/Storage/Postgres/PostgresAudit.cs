using Npgsql;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using static PayoutManager.Infrastructure.Storage.Postgres.PostgresParameter;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>What the audit asks of PostgreSQL, by hand.</summary>
internal sealed class PostgresAudit(NpgsqlDataSource source) : IAuditStatements
{
    private const string PositionColumns = "stored_at, event_id, payout_id";

    private const string IsFree = "(lease_until IS NULL OR lease_until <= statement_timestamp())";

    public async Task<IReadOnlyList<Payout>> FindAllAsync(string[] payoutIds, CancellationToken cancellationToken)
    {
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        // One statement, so that each payout and its postings are of one moment.
        await using var command = new NpgsqlCommand(
            $"""
            SELECT {PostgresPayouts.Columns}
            FROM pm.payout p
            LEFT JOIN pm.cash_flow_posting c ON c.payout_id = p.payout_id
            WHERE p.payout_id = ANY ($1)
            ORDER BY p.payout_id, c.id
            """,
            connection)
        {
            Parameters = { Of(payoutIds) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var payouts = new List<Payout>();
        for (var isThere = await reader.ReadAsync(cancellationToken); isThere;)
        {
            (var payout, isThere) = await PostgresPayouts.ReadAsync(reader, cancellationToken);
            payouts.Add(payout);
        }

        return payouts;
    }

    /// <summary>A page of changes. The first row brings the horizon, also where nothing has changed.</summary>
    internal static string SelectChanges() =>
        """
        SELECT statement_timestamp() - make_interval(secs => $3), NULL, 0, 0
        UNION ALL (
            SELECT stored_at, payout_id, sequence_id, id
            FROM pm.payout_event
            WHERE (stored_at, id) > ($1, $2) AND stored_at < statement_timestamp() - make_interval(secs => $3)
            ORDER BY stored_at, id
            LIMIT $4)
        """;

    public async Task<ChangePage> ListChangesAsync(
        AuditPosition after, TimeSpan margin, int limit, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(SelectChanges());
        command.Parameters.Add(Of(after.StoredAt.UtcDateTime));
        command.Parameters.Add(Of(after.EventId));
        command.Parameters.Add(Of(margin.TotalSeconds));
        command.Parameters.Add(Of(limit));
        var horizon = default(DateTimeOffset);
        var changes = new List<PayoutChange>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var storedAt = reader.GetFieldValue<DateTimeOffset>(0);
            if (reader.IsDBNull(1))
                horizon = storedAt;
            else
                changes.Add(new PayoutChange(PayoutId.Restore(reader.GetString(1)), reader.GetInt32(2), storedAt, reader.GetInt64(3)));
        }

        return new ChangePage(changes, horizon);
    }

    public async Task<AuditState> ReadProgressAsync(string scope, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            $"SELECT {PositionColumns}, statement_timestamp(), {IsFree} FROM pm.audit_progress WHERE scope = $1");
        command.Parameters.Add(Of(scope));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new AuditState(reader.GetFieldValue<DateTimeOffset>(3), ReadPosition(reader), reader.GetBoolean(4));
    }

    public async Task<AuditPosition?> LeaseAsync(string scope, string owner, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            $"""
            UPDATE pm.audit_progress SET owner = $2, lease_until = statement_timestamp() + make_interval(secs => $3)
            WHERE scope = $1 AND (owner = $2 OR {IsFree})
            RETURNING {PositionColumns}
            """);
        command.Parameters.Add(Of(scope));
        command.Parameters.Add(Of(owner));
        command.Parameters.Add(Of(lease.TotalSeconds));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        AuditPosition? position = await reader.ReadAsync(cancellationToken) ? ReadPosition(reader) : null;
        // Only with the end of the answer is it written.
        await reader.NextResultAsync(cancellationToken);
        return position;
    }

    public async Task<bool> AdvanceAsync(
        string scope, string owner, AuditPosition from, AuditPosition upTo, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            """
            UPDATE pm.audit_progress SET stored_at = $3, event_id = $4, payout_id = $5
            WHERE scope = $1 AND owner = $2 AND stored_at = $6 AND event_id = $7 AND payout_id IS NOT DISTINCT FROM $8
            """);
        command.Parameters.Add(Of(scope));
        command.Parameters.Add(Of(owner));
        AddPosition(command, upTo);
        AddPosition(command, from);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    public async Task<bool> ReleaseAsync(string scope, string owner, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            "UPDATE pm.audit_progress SET owner = NULL, lease_until = NULL WHERE scope = $1 AND owner = $2");
        command.Parameters.Add(Of(scope));
        command.Parameters.Add(Of(owner));
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    public async Task<AuditFindingCounts> CountFindingsAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            "SELECT count(*) FILTER (WHERE disagrees), count(*) FILTER (WHERE NOT disagrees) FROM pm.audit_finding");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new AuditFindingCounts((int)reader.GetInt64(0), (int)reader.GetInt64(1));
    }

    public async Task<IReadOnlyList<AuditFinding>> ListFindingsAsync(
        DateTimeOffset seenBefore, string after, int limit, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            """
            SELECT payout_id, kind, description, disagrees, since, first_seen_at, last_seen_at
            FROM pm.audit_finding WHERE payout_id > $1 AND last_seen_at < $2 ORDER BY payout_id LIMIT $3
            """);
        command.Parameters.Add(Of(after));
        command.Parameters.Add(Of(seenBefore.UtcDateTime));
        command.Parameters.Add(Of(limit));
        var findings = new List<AuditFinding>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            findings.Add(new AuditFinding(
                new NewAuditFinding(
                    PayoutId.Restore(reader.GetString(0)),
                    reader.GetString(1),
                    reader.GetString(2),
                    reader.GetBoolean(3),
                    reader.GetFieldValue<DateTimeOffset>(4)),
                reader.GetFieldValue<DateTimeOffset>(5),
                reader.GetFieldValue<DateTimeOffset>(6)));
        }

        return findings;
    }

    public async Task<bool> StoreFindingAsync(NewAuditFinding finding, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            """
            WITH before AS (
                SELECT kind FROM pm.audit_finding WHERE payout_id = $1
            ), stored AS (
                INSERT INTO pm.audit_finding AS f (payout_id, kind, description, disagrees, since) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (payout_id) DO UPDATE SET
                    kind = excluded.kind,
                    description = excluded.description,
                    disagrees = excluded.disagrees,
                    since = LEAST(f.since, excluded.since),
                    last_seen_at = statement_timestamp()
            )
            SELECT NOT EXISTS (SELECT FROM before WHERE kind = $2)
            """);
        command.Parameters.Add(Of(finding.PayoutId.Value));
        command.Parameters.Add(Of(finding.Kind));
        command.Parameters.Add(Of(finding.Description));
        command.Parameters.Add(Of(finding.Disagrees));
        command.Parameters.Add(Of(finding.Since.UtcDateTime));
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public async Task<int> RemoveFindingsAsync(string[] payoutIds, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("DELETE FROM pm.audit_finding WHERE payout_id = ANY ($1)");
        command.Parameters.Add(Of(payoutIds));
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static AuditPosition ReadPosition(NpgsqlDataReader reader) => new(
        reader.GetFieldValue<DateTimeOffset>(0), reader.GetInt64(1), reader.IsDBNull(2) ? null : reader.GetString(2));

    private static void AddPosition(NpgsqlCommand command, AuditPosition position)
    {
        command.Parameters.Add(Of(position.StoredAt.UtcDateTime));
        command.Parameters.Add(Of(position.EventId));
        command.Parameters.Add(OfNullable(position.PayoutId));
    }
}
