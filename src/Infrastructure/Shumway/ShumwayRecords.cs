using System.Data.Common;
using Npgsql;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Money;

namespace PayoutManager.Infrastructure.Shumway;

/// <summary>Plans and postings in Shumway's own database, to which nothing is ever written.</summary>
internal sealed class ShumwayRecords : ILedgerRecords, IAsyncDisposable
{
    // One statement, so that states and postings are of one snapshot. A plan's postings are written again when it becomes final.
    private const string Query =
        """
        SELECT l.plan_id, l.last_operation::text, p.batch_id, p.from_account_id, p.to_account_id, p.amount::bigint, p.curr_sym_code, p.description
        FROM shm.plan_log AS l LEFT JOIN shm.posting_log AS p ON p.plan_id = l.plan_id AND p.operation = 'HOLD'
        WHERE l.plan_id = ANY ($1)
        """;

    private readonly NpgsqlDataSource _source;

    public ShumwayRecords(string connectionString)
    {
        var connection = new NpgsqlConnectionStringBuilder(connectionString);
        // Not all that keeps it from writing, since a pooler may drop it: nothing here is a write, and the user needs no right to any.
        connection.Options = $"-c default_transaction_read_only=on {connection.Options}".TrimEnd();
        var builder = new NpgsqlDataSourceBuilder(connection.ConnectionString)
        {
            // Otherwise the pool's name in metrics is the connection string.
            Name = "ledger",
        };
        _source = builder.Build();
    }

    public async Task<IReadOnlyDictionary<string, RecordedPlan>> ReadAsync(
        IReadOnlyCollection<string> planIds, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = _source.CreateCommand(Query);
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. planIds] });
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            var plans = new Dictionary<string, RecordedPlan>();
            while (await rows.ReadAsync(cancellationToken))
                Add(plans, rows);
            return plans;
        }
        catch (Exception e) when (e is DbException or TimeoutException or IOException or OperationCanceledException)
        {
            throw new NotDoneException("The ledger's database cannot be read.", e);
        }
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private static void Add(Dictionary<string, RecordedPlan> plans, DbDataReader row)
    {
        var id = row.GetString(0);
        if (!plans.TryGetValue(id, out var plan))
            plan = plans[id] = new RecordedPlan(StateOf(row.GetString(1)), []);
        if (row.IsDBNull(2))
            return;
        var posting = new LedgerPosting(
            row.GetInt64(3),
            row.GetInt64(4),
            new Cash(row.GetInt64(5), Currency.Restore(row.GetString(6))),
            row.IsDBNull(7) ? "" : row.GetString(7));
        plans[id] = plan with
        {
            Postings = [.. plan.Postings, posting],
            IsOneBatch = plan.IsOneBatch && row.GetInt64(2) == LedgerPlan.BatchId,
        };
    }

    private static RecordedState StateOf(string operation) => operation switch
    {
        "HOLD" => RecordedState.Held,
        "COMMIT" => RecordedState.Committed,
        "ROLLBACK" => RecordedState.RolledBack,
        _ => throw new NotDoneException($"The ledger's database has a state that is not known here: {operation}."),
    };
}
