using System.Text.Json;
using Npgsql;
using PayoutManager.Thrift.Domain;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Bench.Floor;

/// <summary>The rows that the service writes, in as many transactions, each of them one round trip of prepared statements.</summary>
internal sealed class Rows : IAsyncDisposable
{
    private const string Unpaid = "UNPAID";
    private const int PreparedStatements = 32;

    private readonly NpgsqlDataSource _source;
    private readonly string _owner = $"{Environment.MachineName}/{Guid.CreateVersion7():N}";

    public Rows(string connectionString, int pool)
    {
        // As the service's connections are.
        var builder = new NpgsqlConnectionStringBuilder(connectionString)
        {
            MaxAutoPrepare = PreparedStatements,
            AutoPrepareMinUsages = 2,
            NoResetOnClose = true,
            Options = "-c enable_seqscan=off -c jit=off -c plan_cache_mode=force_generic_plan",
        };
        if (pool > 0)
        {
            builder.MaxPoolSize = pool;
            builder.Timeout = 120;
        }

        _source = NpgsqlDataSource.Create(builder.ConnectionString);
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <summary>What <c>payout_operation</c> keeps of a create.</summary>
    public static string RequestOf(Payout payout) => JsonSerializer.Serialize(new
    {
        partyId = payout.PartyId,
        shopId = payout.ShopId,
        amount = payout.Amount,
        currency = payout.Currency!.SymbolicCode,
        idIsOurs = false,
        createdAt = payout.CreatedAt,
        chosenPayoutToolId = payout.PayoutToolId,
        cashFlow = payout.CashFlow!.Select(p => new
        {
            fromType = LabelOf(p.Source!.AccountType!),
            from = p.Source!.AccountId,
            toType = LabelOf(p.Destination!.AccountType!),
            to = p.Destination!.AccountId,
            amount = p.Volume!.Amount,
            currency = p.Volume.Currency!.SymbolicCode,
            details = p.Details,
        }),
    });

    public async Task IntendAsync(Operation operation)
    {
        await using var connection = await _source.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Command(
                    """
                    INSERT INTO pm.payout_operation (payout_id, kind, attempt, owner, lease_until, request)
                    VALUES ($1, $2, 1, $3, clock_timestamp() + interval '15 s', $4::jsonb)
                    """,
                    operation.PayoutId, operation.Kind, _owner, operation.Request),
                Command("SELECT sequence_id FROM pm.payout WHERE payout_id = $1", operation.PayoutId),
            },
        };
        await batch.ExecuteNonQueryAsync();
    }

    public async Task CreateAsync(Operation operation, Payout payout, DateTimeOffset now, byte[] created)
    {
        await using var connection = await _source.OpenConnectionAsync();
        await using var batch = CreateBatch(connection, operation, payout, now, created);
        await batch.ExecuteNonQueryAsync();
    }

    public async Task ChangeAsync(Operation operation, string status, string? details, DateTimeOffset now, byte[] changed)
    {
        await using var connection = await _source.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                Delete(operation),
                Command(
                    "UPDATE pm.payout SET sequence_id = 1, status = $2::pm.payout_status, cancel_details = $3 WHERE payout_id = $1 AND sequence_id = 0",
                    operation.PayoutId, status, (object?)details ?? DBNull.Value),
                Event(operation.PayoutId, 1, now, changed),
            },
        };
        await batch.ExecuteNonQueryAsync();
    }

    public async Task<Payout> ReadAsync(string payoutId)
    {
        await using var connection = await _source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(
            """
            SELECT p.created_at, p.party_id, p.shop_id, p.payout_tool_id, p.amount, p.fee, p.currency_code,
                   c.from_account_id, c.from_account_type::text, c.to_account_id, c.to_account_type::text, c.amount, c.currency_code, c.description
            FROM pm.payout p JOIN pm.cash_flow_posting c ON c.payout_id = p.payout_id WHERE p.payout_id = $1 ORDER BY c.id
            """,
            connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = payoutId } },
        };
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        var payout = new Payout
        {
            PayoutId = payoutId,
            CreatedAt = ThriftTimestamp.Format(new DateTimeOffset(DateTime.SpecifyKind(reader.GetDateTime(0), DateTimeKind.Utc))),
            PartyId = reader.GetString(1),
            ShopId = reader.GetString(2),
            PayoutToolId = reader.GetString(3),
            Amount = reader.GetInt64(4),
            Fee = reader.GetInt64(5),
            Currency = new CurrencyRef(reader.GetString(6)),
            Status = new PayoutStatus.unpaid(new PayoutUnpaid()),
            CashFlow = [],
        };
        do
        {
            payout.CashFlow.Add(new FinalCashFlowPosting(
                new FinalCashFlowAccount(AccountOf(reader.GetString(8)), reader.GetInt64(7)),
                new FinalCashFlowAccount(AccountOf(reader.GetString(10)), reader.GetInt64(9)),
                new Cash(reader.GetInt64(11), new CurrencyRef(reader.GetString(12))))
            {
                Details = await reader.IsDBNullAsync(13) ? null : reader.GetString(13),
            });
        }
        while (await reader.ReadAsync());
        return payout;
    }

    /// <summary>Takes a connection, opens a transaction and reads something in it, as whoever holds both during remote calls does.</summary>
    public async Task<HeldTransaction> BeginAsync()
    {
        var connection = await _source.OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("SELECT 1", connection, transaction);
        await command.ExecuteNonQueryAsync();
        return new HeldTransaction(connection, transaction);
    }

    private static NpgsqlBatch CreateBatch(NpgsqlConnection connection, Operation operation, Payout payout, DateTimeOffset now, byte[] created)
    {
        var batch = new NpgsqlBatch(connection);
        var createdAt = DateTime.SpecifyKind(now.UtcDateTime, DateTimeKind.Unspecified);
        batch.BatchCommands.Add(Delete(operation));
        batch.BatchCommands.Add(Command(
            """
            INSERT INTO pm.payout (sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, fee, currency_code)
            VALUES (0, $1, $2, $3, $4, $5::pm.payout_status, $6, $7, $8, $9)
            """,
            payout.PayoutId, createdAt, payout.PartyId, payout.ShopId, Unpaid, payout.PayoutToolId, payout.Amount, payout.Fee, payout.Currency!.SymbolicCode));
        foreach (var posting in payout.CashFlow!)
        {
            batch.BatchCommands.Add(Command(
                """
                INSERT INTO pm.cash_flow_posting (payout_id, created_at, from_account_id, from_account_type, to_account_id, to_account_type, amount, currency_code, description)
                VALUES ($1, $2, $3, $4::pm.account_type, $5, $6::pm.account_type, $7, $8, $9)
                """,
                payout.PayoutId,
                createdAt,
                posting.Source!.AccountId,
                LabelOf(posting.Source.AccountType!),
                posting.Destination!.AccountId,
                LabelOf(posting.Destination.AccountType!),
                posting.Volume!.Amount,
                posting.Volume.Currency!.SymbolicCode,
                (object?)posting.Details ?? DBNull.Value));
        }

        batch.BatchCommands.Add(Event(payout.PayoutId, 0, now, created));
        return batch;
    }

    private static NpgsqlBatchCommand Delete(Operation operation) =>
        Command("DELETE FROM pm.payout_operation WHERE payout_id = $1", operation.PayoutId);

    private static NpgsqlBatchCommand Event(string payoutId, int sequenceId, DateTimeOffset now, byte[] payload) => Command(
        """
        WITH recorded AS (
            INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload, published_at) VALUES ($1, $2, $3, $4, 'infinity')
        )
        INSERT INTO pm.event_outbox (payout_id, sequence_id, lane, payload) VALUES ($1, $2, 0, $4)
        """,
        payoutId, sequenceId, now.UtcDateTime, payload);

    private static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<object> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(value switch
            {
                string text => new NpgsqlParameter<string> { TypedValue = text },
                long number => new NpgsqlParameter<long> { TypedValue = number },
                int number => new NpgsqlParameter<int> { TypedValue = number },
                DateTime time => new NpgsqlParameter<DateTime> { TypedValue = time },
                byte[] bytes => new NpgsqlParameter<byte[]> { TypedValue = bytes },
                _ => new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text },
            });
        }

        return command;
    }

    private static string LabelOf(CashFlowAccount account) => account switch
    {
        CashFlowAccount.merchant { Data: MerchantCashFlowAccount.payout } => "MERCHANT_PAYOUT",
        CashFlowAccount.merchant => "MERCHANT_SETTLEMENT",
        CashFlowAccount.system => "SYSTEM_SETTLEMENT",
        _ => "EXTERNAL_OUTCOME",
    };

    private static CashFlowAccount AccountOf(string label) => label switch
    {
        "MERCHANT_PAYOUT" => new CashFlowAccount.merchant(MerchantCashFlowAccount.payout),
        "MERCHANT_SETTLEMENT" => new CashFlowAccount.merchant(MerchantCashFlowAccount.settlement),
        "SYSTEM_SETTLEMENT" => new CashFlowAccount.system(SystemCashFlowAccount.settlement),
        _ => new CashFlowAccount.external(ExternalCashFlowAccount.outcome),
    };

    /// <param name="PayoutId">The payout to change.</param>
    /// <param name="Kind">Create, confirm or cancel.</param>
    /// <param name="Request">What is to be done, as JSON.</param>
    public sealed record Operation(string PayoutId, string Kind, string Request);

    /// <summary>A connection in a transaction.</summary>
    public sealed class HeldTransaction(NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
    {
        public async Task CreateAsync(Operation operation, Payout payout, DateTimeOffset now, byte[] created)
        {
            await using var batch = CreateBatch(connection, operation, payout, now, created);
            batch.Transaction = transaction;
            await batch.ExecuteNonQueryAsync();
            await transaction.CommitAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await transaction.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}
