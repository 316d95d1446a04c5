using Npgsql;
using NpgsqlTypes;
using PayoutManager.Infrastructure.Storage.Rows;
using static PayoutManager.Infrastructure.Storage.Postgres.PostgresParameter;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>How to find and delete what is too old in PostgreSQL. Pages are found by indexes that hold nothing else.</summary>
internal sealed class PostgresRetention(NpgsqlDataSource source) : IRetentionStatements
{
    public async Task<IReadOnlyList<OldNote>> ListNotesAsync(
        TimeSpan age, OldNote? after, int limit, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            $"""
            SELECT started_at, payout_id FROM pm.payout_operation
            WHERE kind = '{OperationRow.Spent}' AND started_at < statement_timestamp() - make_interval(secs => $1)
                AND (started_at, payout_id) > (coalesce($2, '-infinity'), $3)
            ORDER BY started_at, payout_id LIMIT $4
            """);
        command.Parameters.Add(Of(age.TotalSeconds));
        command.Parameters.Add(OfInstant(after?.StartedAt));
        command.Parameters.Add(Of(after?.PayoutId ?? ""));
        command.Parameters.Add(Of(limit));
        var notes = new List<OldNote>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            notes.Add(new OldNote(reader.GetDateTime(0), reader.GetString(1)));
        return notes;
    }

    public async Task<int> DeleteNoteAsync(string payoutId, TimeSpan age, int mostAttempts, CancellationToken cancellationToken)
    {
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        // Who has locked the row puts an operation in the note's place.
        await using var command = new NpgsqlCommand(
            $"""
            DELETE FROM pm.payout_operation o USING (
                SELECT payout_id AS noted FROM pm.payout_operation
                WHERE payout_id = $1 AND kind = '{OperationRow.Spent}' AND attempt <= $2
                    AND started_at < statement_timestamp() - make_interval(secs => $3)
                FOR UPDATE SKIP LOCKED
            ) free
            WHERE o.payout_id = $1 AND o.payout_id = free.noted AND NOT EXISTS (SELECT FROM pm.payout p WHERE p.payout_id = $1)
            """,
            connection)
        {
            Parameters = { Of(payoutId), Of(mostAttempts), Of(age.TotalSeconds) },
        };
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<IReadOnlyList<OldHistory>> ListHistoriesAsync(
        TimeSpan age, OldHistory? after, int limit, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(
            """
            SELECT stored_at, id, payout_id FROM pm.payout_event
            WHERE sequence_id = 0 AND stored_at < statement_timestamp() - make_interval(secs => $1)
                AND (stored_at, id) > (coalesce($2, '-infinity'), $3)
            ORDER BY stored_at, id LIMIT $4
            """);
        command.Parameters.Add(Of(age.TotalSeconds));
        command.Parameters.Add(OfInstant(after?.StoredAt));
        command.Parameters.Add(Of(after?.EventId ?? 0L));
        command.Parameters.Add(Of(limit));
        var histories = new List<OldHistory>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            histories.Add(new OldHistory(reader.GetDateTime(0), reader.GetInt64(1), reader.GetString(2)));
        return histories;
    }

    public async Task<int> DeleteEventsAsync(IReadOnlyList<string> payoutIds, TimeSpan age, CancellationToken cancellationToken)
    {
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        // Nobody else changes or locks a row of the history.
        await using var command = new NpgsqlCommand(
            """
            DELETE FROM pm.payout_event e USING pm.payout p
            WHERE e.payout_id = ANY ($1) AND p.payout_id = ANY ($1) AND p.payout_id = e.payout_id
                AND p.status IN ('CONFIRMED', 'CANCELLED')
                AND e.sequence_id < p.sequence_id - CASE WHEN p.status = 'CANCELLED' AND p.sequence_id > 1 THEN 1 ELSE 0 END
                AND EXISTS (
                    SELECT FROM pm.payout_event latest
                    WHERE latest.payout_id = ANY ($1) AND latest.payout_id = p.payout_id AND latest.sequence_id = p.sequence_id
                        AND latest.stored_at < statement_timestamp() - make_interval(secs => $2))
                AND NOT EXISTS (
                    SELECT FROM pm.event_outbox o WHERE o.payout_id = ANY ($1) AND o.payout_id = p.payout_id)
            """,
            connection)
        {
            Parameters = { Of<string[]>([.. payoutIds]), Of(age.TotalSeconds) },
        };
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlParameter OfInstant(DateTime? instant) => new()
    {
        Value = (object?)instant ?? DBNull.Value,
        NpgsqlDbType = NpgsqlDbType.TimestampTz,
    };
}
