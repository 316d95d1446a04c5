using Npgsql;
using PayoutManager.Domain.Ledger;

namespace PayoutManager.Testing;

/// <summary>A database with the tables of Shumway's own, in a schema that its accounter has made.</summary>
public sealed class LedgerDatabase
{
    private LedgerDatabase(string connectionString) => ConnectionString = connectionString;

    public string ConnectionString { get; }

    public static async Task<LedgerDatabase> CreateAsync()
    {
        var database = new LedgerDatabase(await (await PostgresServer.GetAsync()).CreateDatabaseAsync());
        await Sql.ExecuteAsync(
            database.ConnectionString,
            """
            CREATE SCHEMA shm;
            CREATE TYPE shm.posting_operation_type AS ENUM ('HOLD', 'COMMIT', 'ROLLBACK');
            CREATE TABLE shm.plan_log (
                plan_id varchar(64) PRIMARY KEY, last_batch_id bigint NOT NULL, last_operation shm.posting_operation_type NOT NULL,
                last_access_time timestamp NOT NULL);
            CREATE TABLE shm.posting_log (
                id bigserial PRIMARY KEY, plan_id varchar(64) NOT NULL, batch_id bigint NOT NULL, from_account_id bigint NOT NULL,
                to_account_id bigint NOT NULL, operation shm.posting_operation_type NOT NULL, amount bigint NOT NULL,
                creation_time timestamp NOT NULL, curr_sym_code varchar(4) NOT NULL, description varchar);
            CREATE INDEX posting_log_plan_id_idx ON shm.posting_log (plan_id)
            """);
        return database;
    }

    /// <summary>Writes a plan down as the accounter does: its postings with the hold, and again with its end.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="operation">HOLD, COMMIT or ROLLBACK.</param>
    /// <param name="batchId">The batch of all postings.</param>
    public async Task PutAsync(LedgerPlan plan, string operation, long batchId = LedgerPlan.BatchId)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using var log = source.CreateCommand(
            """
            INSERT INTO shm.plan_log VALUES ($1, $2, $3::shm.posting_operation_type, now())
            ON CONFLICT (plan_id) DO UPDATE SET last_operation = EXCLUDED.last_operation, last_batch_id = EXCLUDED.last_batch_id
            """);
        await ExecuteAsync(log, plan.Id, batchId, operation);
        foreach (var written in (string[])(operation == "HOLD" ? ["HOLD"] : ["HOLD", operation]))
        {
            foreach (var posting in plan.Postings)
            {
                await using var command = source.CreateCommand(
                    """
                    INSERT INTO shm.posting_log (plan_id, batch_id, from_account_id, to_account_id, operation, amount, creation_time, curr_sym_code, description)
                    VALUES ($1, $2, $3, $4, $5::shm.posting_operation_type, $6, now(), $7, $8)
                    """);
                await ExecuteAsync(
                    command, plan.Id, batchId, posting.FromId, posting.ToId, written,
                    posting.Volume.Amount, posting.Volume.Currency.Code, posting.Description);
            }
        }
    }

    private static Task ExecuteAsync(NpgsqlCommand command, params IEnumerable<object> values)
    {
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command.ExecuteNonQueryAsync();
    }
}
