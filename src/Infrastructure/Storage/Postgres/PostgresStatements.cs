using Npgsql;
using NpgsqlTypes;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage.Rows;
using static PayoutManager.Infrastructure.Storage.Postgres.PostgresParameter;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>
/// The statements of a call, written by hand. Each takes one round trip and at most one transaction; LINQ and change tracking take up
/// to four (<c>docs/performance.md</c>). Each names its payout by <c>payout_id = $1</c>.
/// </summary>
/// <remarks>
/// Leases are measured by <c>statement_timestamp()</c>, the moment at which the server begins the statement. <c>now()</c> is the start
/// of the transaction, which several writes share; <c>clock_timestamp()</c> differs between the nodes of a distributed database. A
/// statement that waits for a row uses a time that has passed. That is safe: it sees fewer leases as expired, and the lease that it
/// gives is shorter by the wait.
/// <para>
/// The labels of the incumbent's enums are sent as text. Npgsql learns a database's enum types once for each data source. If it does so
/// before the tables are made, or on another host of several, no enum could be sent afterwards.
/// </para>
/// </remarks>
internal sealed class PostgresStatements(NpgsqlDataSource source, SharedTransactions transactions) : IPayoutStatements
{
    // What ReadOperation reads.
    private const string OperationColumns = "kind, attempt, owner, request, actor, reason, failed_tries";

    private const string EventColumns =
        "e.id, e.payout_id, e.sequence_id, e.payload, e.trace_parent, e.lane, e.stored_at, statement_timestamp() - e.stored_at";

    private const string IsFirstOfPayout =
        """
        NOT EXISTS (
            SELECT FROM pm.event_outbox earlier
            WHERE earlier.payout_id = e.payout_id AND earlier.sequence_id < e.sequence_id)
        """;

    private const string ContinuesSpentAttempts = $"excluded.kind IN ('{OperationRow.Create}', '{OperationRow.Cancel}')";

    // In the request of a confirm, which has nothing else to say: the note of spent attempts that it stands in the place of.
    private const string SpentBefore = "spentBefore";

    public async Task<Payout?> FindAsync(string payoutId, CancellationToken cancellationToken)
    {
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        // One statement, so that a payout and its postings are of one moment.
        await using var command = new NpgsqlCommand(
            $"""
            SELECT {PostgresPayouts.Columns}
            FROM pm.payout p
            LEFT JOIN pm.cash_flow_posting c ON c.payout_id = p.payout_id
            WHERE p.payout_id = $1
            ORDER BY c.id
            """,
            connection)
        {
            Parameters = { Of(payoutId) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (await PostgresPayouts.ReadAsync(reader, cancellationToken)).Payout : null;
    }

    public async Task<string?> FindRequestDigestAsync(string payoutId, CancellationToken cancellationToken)
    {
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        await using var command = new NpgsqlCommand("SELECT request_digest FROM pm.payout WHERE payout_id = $1", connection)
        {
            Parameters = { Of(payoutId) },
        };
        return await command.ExecuteScalarAsync(cancellationToken) as string;
    }

    public async Task<Occupant?> FindOperationAsync(string payoutId, CancellationToken cancellationToken)
    {
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        await using var command = new NpgsqlCommand(
            $"""
            SELECT {OperationColumns}, lease_until <= statement_timestamp()
            FROM pm.payout_operation WHERE payout_id = $1 AND kind <> '{OperationRow.Spent}'
            """,
            connection)
        {
            Parameters = { Of(payoutId) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new Occupant(ReadOperation(reader, payoutId), reader.GetBoolean(7)) : null;
    }

    public async Task<Insertion> TryInsertAsync(
        OperationRow operation, int? expectedSequenceId, TimeSpan lease, CancellationToken cancellationToken)
    {
        var results = await transactions.RunAsync(
            operation.PayoutId,
            () =>
            [
                new NpgsqlBatchCommand(
                    $"""
                    INSERT INTO pm.payout_operation AS o (payout_id, kind, attempt, owner, lease_until, request, actor, reason)
                    VALUES ($1, $2, 1, $3, statement_timestamp() + make_interval(secs => $4), $5::jsonb, $6, $7)
                    ON CONFLICT (payout_id) DO UPDATE SET
                        kind = excluded.kind,
                        attempt = CASE WHEN {ContinuesSpentAttempts} THEN o.attempt + 1 ELSE 1 END,
                        owner = excluded.owner,
                        lease_until = excluded.lease_until,
                        started_at = statement_timestamp(),
                        request = CASE WHEN {ContinuesSpentAttempts} THEN excluded.request
                                       ELSE jsonb_build_object('{SpentBefore}', o.attempt) END,
                        actor = excluded.actor,
                        reason = excluded.reason,
                        failed_tries = 0,
                        last_error = NULL,
                        next_try_at = NULL
                    WHERE o.kind = '{OperationRow.Spent}'
                    -- Below zero where the plan was refused before.
                    RETURNING CASE WHEN plan_refused THEN -attempt ELSE attempt END
                    """)
                {
                    Parameters =
                    {
                        Of(operation.PayoutId), Of(operation.Kind), Of(operation.Owner!), Of(lease.TotalSeconds), Of(operation.Request!),
                        OfNullable(operation.Actor), OfNullable(operation.Reason),
                    },
                },
                // A statement of its own, which sees more than the first: only now, with the operation ours, does the payout stand
                // still. Where it is not as expected the operation has never been, and a note of spent attempts is as it was.
                new NpgsqlBatchCommand(
                    $"""
                    WITH moved AS (
                        DELETE FROM pm.payout_operation
                        WHERE payout_id = $1 AND owner = $2
                            AND (SELECT sequence_id FROM pm.payout WHERE payout_id = $1) IS DISTINCT FROM $3
                        RETURNING payout_id, coalesce((request ->> '{SpentBefore}')::integer, attempt - 1) AS spent,
                            plan_refused
                    ), noted AS (
                        INSERT INTO pm.payout_operation (payout_id, kind, attempt, plan_refused)
                        SELECT payout_id, '{OperationRow.Spent}', spent, plan_refused FROM moved WHERE spent > 0 OR plan_refused
                    )
                    SELECT 1 FROM moved
                    """)
                {
                    Parameters =
                    {
                        Of(operation.PayoutId),
                        Of(operation.Owner!),
                        new NpgsqlParameter { Value = (object?)expectedSequenceId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer },
                    },
                },
            ],
            cancellationToken);
        var attempt = results[0] ?? 0;
        return new Insertion(Math.Abs(attempt), PayoutMoved: results[1] is not null, PlanWasRefused: attempt < 0);
    }

    public Task<bool> TryApplyAsync(
        Operation operation, Payout payout, EventRow change, CancellationToken cancellationToken) =>
        payout.SequenceId == 0
            ? TryCreateAsync(operation, payout, change, cancellationToken)
            : TryChangeAsync(operation, payout, change, cancellationToken);

    public async Task<OperationRow?> TakeOverAsync(
        string payoutId, string owner, TimeSpan lease, bool ignorePause, CancellationToken cancellationToken)
    {
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        // A row that is locked is being changed by somebody, or by nobody any more: neither is worth waiting for.
        await using var command = new NpgsqlCommand(
            $"""
            UPDATE pm.payout_operation o SET owner = $2, lease_until = statement_timestamp() + make_interval(secs => $3)
            FROM (
                SELECT payout_id AS expired FROM pm.payout_operation
                WHERE payout_id = $1 AND lease_until <= statement_timestamp()
                    AND ($4 OR next_try_at IS NULL OR next_try_at <= statement_timestamp())
                FOR UPDATE SKIP LOCKED
            ) free
            WHERE o.payout_id = $1 AND o.payout_id = free.expired
            RETURNING {OperationColumns}
            """,
            connection)
        {
            Parameters = { Of(payoutId), Of(owner), Of(lease.TotalSeconds), Of(ignorePause) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var taken = await reader.ReadAsync(cancellationToken) ? ReadOperation(reader, payoutId) : null;
        // Only with the end of the answer is it written.
        await reader.NextResultAsync(cancellationToken);
        return taken;
    }

    public Task<bool> RenewAsync(string payoutId, string owner, TimeSpan lease, CancellationToken cancellationToken) => ExecuteAsync(
        """
        UPDATE pm.payout_operation SET lease_until = statement_timestamp() + make_interval(secs => $3)
        WHERE payout_id = $1 AND owner = $2
        """,
        [Of(payoutId), Of(owner), Of(lease.TotalSeconds)],
        cancellationToken);

    public Task<bool> ReleaseAsync(
        string payoutId, string owner, FailedTry? failure, CancellationToken cancellationToken) => ExecuteAsync(
        """
        UPDATE pm.payout_operation SET
            lease_until = statement_timestamp(),
            last_error = coalesce($3, last_error),
            failed_tries = CASE WHEN $4 IS NULL THEN failed_tries ELSE failed_tries + 1 END,
            next_try_at = CASE WHEN $4 IS NULL THEN next_try_at ELSE statement_timestamp() + make_interval(secs => $4) END
        WHERE payout_id = $1 AND owner = $2
        """,
        [
            Of(payoutId),
            Of(owner),
            OfNullable(failure?.Error),
            new NpgsqlParameter { Value = (object?)failure?.Pause?.TotalSeconds ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Double },
        ],
        cancellationToken);

    public Task<bool> AdvanceAsync(Operation operation, string request, CancellationToken cancellationToken) => ExecuteAsync(
        """
        UPDATE pm.payout_operation SET attempt = attempt + 1, request = $4::jsonb, plan_refused = false
        WHERE payout_id = $1 AND owner = $2 AND attempt = $3
        """,
        [Of(operation.PayoutId.Value), Of(operation.Owner), Of(operation.Attempt), Of(request)],
        cancellationToken);

    public Task<bool> AbandonAsync(Operation operation, AttemptNote note, CancellationToken cancellationToken) => note == AttemptNote.None
        ? ExecuteAsync(
            "DELETE FROM pm.payout_operation WHERE payout_id = $1 AND owner = $2 AND attempt = $3",
            [Of(operation.PayoutId.Value), Of(operation.Owner), Of(operation.Attempt)],
            cancellationToken)
        : ExecuteAsync(
            $"""
            UPDATE pm.payout_operation
            SET kind = '{OperationRow.Spent}', attempt = $4, owner = NULL, lease_until = NULL, request = NULL, actor = NULL, reason = NULL,
                failed_tries = 0, last_error = NULL, next_try_at = NULL, plan_refused = $5
            WHERE payout_id = $1 AND owner = $2 AND attempt = $3
            """,
            [Of(operation.PayoutId.Value), Of(operation.Owner), Of(operation.Attempt), Of(note.SpentAttempts), Of(note.NextWasRefused)],
            cancellationToken);

    public async Task<OutboxPage> ReadOutboxAsync(OutboxQuery query, CancellationToken cancellationToken)
    {
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        await using var command = new NpgsqlCommand(
            $"""
            (SELECT {EventColumns}, false FROM pm.event_outbox e
             WHERE (e.stored_at, e.id) > ($1, $2) AND e.lane = ANY ($3) AND {IsFirstOfPayout}
             ORDER BY e.stored_at, e.id LIMIT $4)
            UNION ALL
            (SELECT {EventColumns}, true FROM pm.event_outbox e WHERE e.payout_id = ANY ($5) AND {IsFirstOfPayout})
            """,
            connection)
        {
            Parameters =
            {
                Of(query.After.StoredAt.UtcDateTime),
                Of(query.After.Id),
                Of<short[]>([.. query.Lanes.Select(lane => (short)lane)]),
                Of(query.Limit),
                Of<string[]>([.. query.Payouts.Select(id => id.Value)]),
            },
        };
        var (ofLanes, ofPayouts) = (new List<OutboxEvent>(), new List<OutboxEvent>());
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            (reader.GetBoolean(8) ? ofPayouts : ofLanes).Add(new OutboxEvent(
                reader.GetInt64(0), PayoutId.Restore(reader.GetString(1)), reader.GetInt32(2), reader.GetFieldValue<byte[]>(3))
            {
                TraceParent = Text(reader, 4),
                Lane = reader.GetInt16(5),
                StoredAt = reader.GetFieldValue<DateTimeOffset>(6),
                Age = reader.GetTimeSpan(7),
            });
        }

        return new OutboxPage(ofLanes, ofPayouts);
    }

    public async Task<int> AcknowledgeAsync(IReadOnlyCollection<OutboxEvent> events, CancellationToken cancellationToken)
    {
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        // "IS TRUE" lets PostgreSQL look an id up among the others by its hash, instead of comparing it with each of them.
        await using var command = new NpgsqlCommand(
            "DELETE FROM pm.event_outbox WHERE payout_id = ANY ($1) AND (id IN (SELECT unnest($2))) IS TRUE", connection)
        {
            Parameters = { Of<string[]>([.. events.Select(e => e.PayoutId.Value)]), Of<long[]>([.. events.Select(e => e.Id)]) },
        };
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<int> SendAgainAsync(string payoutId, int fromSequenceId, CancellationToken cancellationToken)
    {
        await using var connection = await Database.OpenAsync(source, cancellationToken);
        // What is there already gets another id, so that an acknowledgement that is still on its way does not take it out.
        await using var command = new NpgsqlCommand(
            """
            INSERT INTO pm.event_outbox (payout_id, sequence_id, lane, payload, trace_parent)
            SELECT payout_id, sequence_id, $3, payload, trace_parent FROM pm.payout_event
            WHERE payout_id = $1 AND sequence_id >= $2 ORDER BY sequence_id
            ON CONFLICT (payout_id, sequence_id) DO UPDATE SET id = excluded.id, stored_at = excluded.stored_at
            """,
            connection)
        {
            Parameters = { Of(payoutId), Of(fromSequenceId), Of((short)EventLane.Of(PayoutId.Restore(payoutId))) },
        };
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<bool> TryCreateAsync(
        Operation operation, Payout payout, EventRow created, CancellationToken cancellationToken)
    {
        var row = PayoutRows.ToRow(payout, ((CreateIntent)operation.Intent).Request);
        CashFlowPostingRow[] postings = [.. PayoutRows.ToPostingRows(payout)];
        var results = await transactions.RunAsync(
            row.PayoutId,
            () =>
            [
                // One statement: without the operation there is nothing that the rest could come from.
                new NpgsqlBatchCommand(
                    """
                    WITH ended AS (
                        DELETE FROM pm.payout_operation WHERE payout_id = $1 AND owner = $2 AND attempt = $3
                        RETURNING payout_id
                    ), stored AS (
                        INSERT INTO pm.payout (
                            sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, fee, currency_code, hold_attempt,
                            request_digest)
                        SELECT $4, payout_id, $5, $6, $7, $8::pm.payout_status, $9, $10, $11, $12, $13, $24 FROM ended
                    ), posted AS (
                        INSERT INTO pm.cash_flow_posting (
                            payout_id, created_at, from_account_id, from_account_type, to_account_id, to_account_type, amount, currency_code, description)
                        SELECT ended.payout_id, $5, p.from_id, p.from_type::pm.account_type, p.to_id, p.to_type::pm.account_type, p.amount,
                               p.currency, p.description
                        FROM ended, unnest($14, $15, $16, $17, $18, $19, $20) WITH ORDINALITY
                            AS p (from_id, from_type, to_id, to_type, amount, currency, description, place)
                        ORDER BY p.place
                    ), recorded AS (
                        INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload, trace_parent, actor, reason, published_at)
                        SELECT payout_id, $4, $21, $22, $23, $25, $26, 'infinity' FROM ended
                    )
                    INSERT INTO pm.event_outbox (payout_id, sequence_id, lane, payload, trace_parent)
                    SELECT payout_id, $4, $27, $22, $23 FROM ended
                    RETURNING 1
                    """)
                {
                    Parameters =
                    {
                        Of(row.PayoutId),
                        Of(operation.Owner),
                        Of(operation.Attempt),
                        Of(row.SequenceId),
                        Of(row.CreatedAt),
                        Of(row.PartyId),
                        Of(row.ShopId),
                        Of(IncumbentLabel.Of(row.Status)),
                        Of(row.PayoutToolId!),
                        Of(row.Amount),
                        Of(row.Fee),
                        Of(row.CurrencyCode),
                        Of(row.HoldAttempt),
                        Of(Array.ConvertAll(postings, p => p.FromAccountId)),
                        Of(Array.ConvertAll(postings, p => IncumbentLabel.Of(p.FromAccountType))),
                        Of(Array.ConvertAll(postings, p => p.ToAccountId)),
                        Of(Array.ConvertAll(postings, p => IncumbentLabel.Of(p.ToAccountType))),
                        Of(Array.ConvertAll(postings, p => p.Amount)),
                        Of(Array.ConvertAll(postings, p => p.CurrencyCode)),
                        Of(Array.ConvertAll(postings, p => p.Description)),
                        Of(created.CreatedAt),
                        Of(created.Payload),
                        OfNullable(created.TraceParent),
                        Of(row.RequestDigest!),
                        OfNullable(created.Actor),
                        OfNullable(created.Reason),
                        Of(LaneOf(payout)),
                    },
                },
            ],
            cancellationToken);
        return results[0] is not null;
    }

    private async Task<bool> TryChangeAsync(
        Operation operation, Payout payout, EventRow changed, CancellationToken cancellationToken)
    {
        try
        {
            var results = await transactions.RunAsync(
                payout.Id.Value,
                () =>
                [
                    // The operation goes first, since its row is what others wait for. A payout that is not as it was leaves the event
                    // without a place, which breaks the statement, and so brings the operation back.
                    new NpgsqlBatchCommand(
                        """
                        WITH ended AS (
                            DELETE FROM pm.payout_operation WHERE payout_id = $1 AND owner = $2 AND attempt = $3
                            RETURNING payout_id
                        ), changed AS (
                            UPDATE pm.payout p SET sequence_id = $4, status = $5::pm.payout_status, cancel_details = $6
                            FROM ended WHERE p.payout_id = $1 AND p.payout_id = ended.payout_id AND p.sequence_id = $4 - 1
                            RETURNING p.payout_id, p.sequence_id
                        ), change AS (
                            SELECT ended.payout_id, changed.sequence_id FROM ended LEFT JOIN changed ON changed.payout_id = ended.payout_id
                        ), recorded AS (
                            INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload, trace_parent, actor, reason, published_at)
                            SELECT payout_id, sequence_id, $7, $8, $9, $10, $11, 'infinity' FROM change
                        )
                        INSERT INTO pm.event_outbox (payout_id, sequence_id, lane, payload, trace_parent)
                        SELECT payout_id, sequence_id, $12, $8, $9 FROM change
                        RETURNING 1
                        """)
                    {
                        Parameters =
                        {
                            Of(payout.Id.Value),
                            Of(operation.Owner),
                            Of(operation.Attempt),
                            Of(payout.SequenceId),
                            Of(IncumbentLabel.Of(payout.Status.State)),
                            OfNullable(payout.Status.Details),
                            Of(changed.CreatedAt),
                            Of(changed.Payload),
                            OfNullable(changed.TraceParent),
                            OfNullable(changed.Actor),
                            OfNullable(changed.Reason),
                            Of(LaneOf(payout)),
                        },
                    },
                ],
                cancellationToken);
            return results[0] is not null;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.NotNullViolation)
        {
            return false;
        }
    }

    private async Task<bool> ExecuteAsync(string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        await using var connection = await Database.OpenAsync(source, cancellationToken);
#pragma warning disable CA2100 // The statements above; values are parameters.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        command.Parameters.AddRange(parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    private static short LaneOf(Payout payout) => (short)EventLane.Of(payout.Id);

    private static OperationRow ReadOperation(NpgsqlDataReader reader, string payoutId) => new()
    {
        PayoutId = payoutId,
        Kind = reader.GetString(0),
        Attempt = reader.GetInt32(1),
        Owner = reader.GetString(2),
        Request = reader.GetString(3),
        Actor = Text(reader, 4),
        Reason = Text(reader, 5),
        FailedTries = reader.GetInt32(6),
    };

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
