using Npgsql;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>A database that the predecessor has made and used.</summary>
internal sealed class IncumbentDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _source;

    private IncumbentDatabase(string connectionString)
    {
        Options = new StorageOptions { ConnectionString = connectionString };
        _source = NpgsqlDataSource.Create(connectionString);
    }

    public StorageOptions Options { get; }

    /// <param name="payouts">How many there are: of four in a row one each is unpaid, paid, confirmed and cancelled.</param>
    public static async Task<IncumbentDatabase> CreateAsync(int payouts)
    {
        var database = new IncumbentDatabase(await (await PostgresServer.GetAsync()).CreateDatabaseAsync());
        await database.ExecuteAsync(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Storage/incumbent.sql")));
        await database.ExecuteAsync(
            $"""
            INSERT INTO pm.payout (sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, fee, currency_code, cancel_details)
            SELECT n % 4, 'old-' || n, timestamp '2021-09-10 12:34:56.789012' + n * interval '1 second', 'party-1', 'shop-1',
                   (enum_range(NULL::pm.payout_status))[n % 4 + 1], 'tool-1', 97500, 2500, 'RUB', CASE n % 4 WHEN 3 THEN 'why ' || n END
            FROM generate_series(1, {payouts}) AS n;
            INSERT INTO pm.cash_flow_posting (payout_id, created_at, from_account_id, from_account_type, to_account_id, to_account_type, amount, currency_code, description)
            SELECT 'old-' || n, timestamp '2021-09-10 12:34:56.789012' + n * interval '1 second',
                   10, 'MERCHANT_SETTLEMENT', 10 + leg, (ARRAY['MERCHANT_PAYOUT', 'SYSTEM_SETTLEMENT']::pm.account_type[])[leg],
                   CASE leg WHEN 1 THEN 97500 ELSE 2500 END, 'RUB', NULL
            FROM generate_series(1, {payouts}) AS n, generate_series(1, 2) AS leg;
            ANALYZE
            """);
        return database;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = _source.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync();
    }

    public Task<IReadOnlyList<string>> QueryAsync(string sql) => _source.QueryAsync(sql);

    public Task<NpgsqlConnection> OpenAsync() => _source.OpenConnectionAsync().AsTask();

    /// <summary>All that the schema is made of: columns, constraints, indexes, labels of enums, and what is in small tables.</summary>
    public Task<IReadOnlyList<string>> DescribeAsync() => QueryAsync(
        """
        SELECT format('column %s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                      CASE WHEN a.attnotnull THEN ' not null' ELSE '' END, ' ' || pg_get_expr(d.adbin, d.adrelid))
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND c.relnamespace = 'pm'::regnamespace
             LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT format('constraint %s on %s %s', conname, conrelid::regclass, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'pm'::regnamespace AND contype <> 'n'
        UNION ALL
        SELECT format('index %s%s', indexdef, CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END)
        FROM pg_indexes JOIN pg_index i ON i.indexrelid = format('%I.%I', schemaname, indexname)::regclass WHERE schemaname = 'pm'
        UNION ALL
        SELECT format('label %s of %s', e.enumlabel, t.typname) FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
        UNION ALL
        SELECT format('file %s of %s', relfilenode, relname) FROM pg_class
        WHERE relnamespace = 'pm'::regnamespace AND relkind IN ('r', 'i')
        UNION ALL
        SELECT format('flyway %s', v) FROM pm.schema_version v
        ORDER BY 1
        """);

    public ValueTask DisposeAsync() => _source.DisposeAsync();
}
