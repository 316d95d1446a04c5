using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Infrastructure.Storage.Postgres;
using PayoutManager.Testing;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>The isolation level that statements are made for, and that they are right under a stricter one.</summary>
public sealed class IsolationTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private string _connectionString = "";

    public async Task InitializeAsync()
    {
        _connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        await StorageHost.MigrateAsync(_connectionString);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task Sessions_ask_for_read_committed_whatever_the_database_s_default_is()
    {
        await SetDefaultAsync("serializable");
        await using var host = new StorageHost(_connectionString, new InMemoryLedger());
        await using var command = host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("SHOW transaction_isolation");

        Assert.Equal("read committed", await command.ExecuteScalarAsync());
    }

    /// <summary>
    /// A create waits with its insert for another's apply. The snapshot of its transaction, where that is one for all statements, is
    /// older than the payout.
    /// </summary>
    [Theory]
    [InlineData("read committed")]
    [InlineData("repeatable read")]
    [InlineData("serializable")]
    public async Task A_create_that_waited_for_another_s_apply_sees_its_payout(string level)
    {
        await using var host = new StorageHost(WithLevel(level), new InMemoryLedger());
        var payout = Payouts.Unpaid("p1");
        await host.CreateAsync("p1");
        await using var connection = new NpgsqlConnection(_connectionString);
        await connection.OpenAsync();
        // Puts the payout away again, to apply it while the other create waits for its operation.
        await using (var undo = new NpgsqlCommand(
            """
            CREATE TABLE pm.kept AS SELECT * FROM pm.payout; DELETE FROM pm.payout;
            INSERT INTO pm.payout_operation (payout_id, kind, attempt, owner, lease_until, request)
            VALUES ('p1', 'create', 1, 'other', now() + interval '1 hour', '{}')
            """,
            connection))
        {
            await undo.ExecuteNonQueryAsync();
        }

        await using var transaction = await connection.BeginTransactionAsync();
        await using (var apply = new NpgsqlCommand(
            "DELETE FROM pm.payout_operation; INSERT INTO pm.payout SELECT * FROM pm.kept", connection, transaction))
        {
            await apply.ExecuteNonQueryAsync();
        }

        var waiting = host.Operations.IntendAsync(payout.Id, Payouts.CreateIntent("p1"), null, "me", null, Lease, None);
        await Sql.UntilAsync(async () => await Sql.QueryAsync(
            _connectionString,
            "SELECT 'waits' FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())")
            is not []);
        await transaction.CommitAsync();

        Assert.IsType<Intended.PayoutMoved>(await waiting);
        Assert.Empty(await Sql.QueryAsync(_connectionString, "SELECT payout_id FROM pm.payout_operation"));
    }

    [Theory]
    [InlineData("read committed")]
    [InlineData("repeatable read")]
    [InlineData("serializable")]
    public async Task Of_eight_creates_of_an_id_at_once_one_is_acknowledged_and_its_hold_is_in_place(string level)
    {
        const int rounds = 1_000;
        const int atOnce = 12;
        var ledger = new InMemoryLedger { Balance = long.MaxValue };
        // Two hosts, so that sessions of different pools meet; they wait for each other as long as it takes.
        var options = new OperationOptions { BusyWait = TimeSpan.FromMinutes(1) };
        await using var one = new StorageHost(WithLevel(level), ledger, options: options);
        await using var other = new StorageHost(WithLevel(level), ledger, options: options);

        await Parallel.ForEachAsync(Enumerable.Range(0, rounds), new ParallelOptions { MaxDegreeOfParallelism = atOnce }, async (round, _) =>
        {
            var id = $"p{round}";
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Task.Run(async () =>
            {
                try
                {
                    await (n % 2 == 0 ? one : other).CreateAsync(id);
                    return "created";
                }
                catch (PayoutAlreadyExistsException e)
                {
                    return $"exists, same request: {e.IsSameRequest}";
                }
            })));
            Assert.Equal(
                ["created", .. Enumerable.Repeat("exists, same request: True", 7)], answers.Order(StringComparer.Ordinal));
        });

        Assert.All(ledger.Plans, plan => Assert.Equal(PlanState.Held, plan.Value));
        Assert.Equal(
            Enumerable.Range(0, rounds).Select(round => $"payout_p{round}").Order(StringComparer.Ordinal),
            ledger.Plans.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(
            [$"{rounds} {rounds} 0"],
            await Sql.QueryAsync(
                _connectionString,
                """
                SELECT concat_ws(' ', count(DISTINCT payout_id), (SELECT count(*) FROM pm.payout_event), (SELECT count(*) FROM pm.payout_operation))
                FROM pm.payout WHERE status = 'UNPAID'
                """));
    }

    /// <summary>What is left open by an error would be the next user's transaction.</summary>
    [Fact]
    public async Task A_connection_goes_back_to_the_pool_without_the_transaction_that_failed_on_it()
    {
        await using var source = NpgsqlDataSource.Create($"{_connectionString};No Reset On Close=true;Maximum Pool Size=1");
        var transactions = new SharedTransactions(source);
        var failed = await Assert.ThrowsAsync<PostgresException>(() => transactions.RunAsync(
            "p1",
            () =>
            [
                new NpgsqlBatchCommand("INSERT INTO pm.payout_operation (payout_id, kind, attempt) VALUES ('p1', 'spent', 1) RETURNING 1"),
                new NpgsqlBatchCommand("SELECT 1 / 0"),
            ],
            None));
        Assert.Equal(PostgresErrorCodes.DivisionByZero, failed.SqlState);

        // Not in a transaction: each sees its own. And what is written by the next one stays.
        Assert.Equal(
            [1],
            await transactions.RunAsync(
                "p2",
                () => [new NpgsqlBatchCommand("INSERT INTO pm.payout_operation (payout_id, kind, attempt) VALUES ('p2', 'spent', 1) RETURNING 1")],
                None));
        Assert.Equal(["p2"], await Sql.QueryAsync(_connectionString, "SELECT payout_id FROM pm.payout_operation"));
        Assert.Equal(
            ["idle"],
            await Sql.QueryAsync(
                _connectionString,
                "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'active'"));
    }

    [Fact]
    public async Task Several_statements_are_one_transaction_at_read_committed_and_one_is_left_to_itself()
    {
        await using var source = NpgsqlDataSource.Create(WithLevel("serializable"));
        var transactions = new SharedTransactions(source);
        NpgsqlBatchCommand[] Ask(int times) =>
            [.. Enumerable.Range(0, times).Select(_ => new NpgsqlBatchCommand(
                "SELECT (pg_current_xact_id()::text::bigint % 1000000)::int * 10 + CASE current_setting('transaction_isolation') WHEN 'read committed' THEN 1 ELSE 0 END"))];

        var several = await transactions.RunAsync("p1", () => Ask(3), None);
        var single = await transactions.RunAsync("p1", () => Ask(1), None);

        Assert.Single(several.Distinct());
        Assert.Equal((1, 0), (several[0] % 10, single[0] % 10));
    }

    [Fact]
    public async Task A_session_at_another_level_is_refused_at_start_by_name()
    {
        await using var services = new ServiceCollection()
            .AddStorage(new StorageOptions { ConnectionString = WithLevel("repeatable read") })
            .BuildServiceProvider();
        var migrator = services.GetRequiredService<DatabaseMigrator>();

        foreach (var startAsync in (Func<CancellationToken, Task>[])[migrator.MigrateAsync, migrator.IsMigratedAsync])
        {
            Assert.Equal(
                "Sessions of the database run at isolation level repeatable read and must run at read committed: this host's start-up "
                + "option default_transaction_isolation is overridden in the connection string's Options, or dropped by a pooler; then set "
                + "it by ALTER ROLE or ALTER DATABASE.",
                (await Assert.ThrowsAsync<UnusableDatabaseException>(() => startAsync(None))).Message);
        }
    }

    [Fact]
    public async Task A_database_of_another_encoding_is_refused_at_start_by_name()
    {
        var latin = await (await PostgresServer.GetAsync()).CreateDatabaseWithAsync("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
        await using var services = new ServiceCollection()
            .AddStorage(new StorageOptions { ConnectionString = latin })
            .BuildServiceProvider();

        Assert.Equal(
            "The database's encoding is LATIN1 and must be UTF8: make it anew with ENCODING 'UTF8'.",
            (await Assert.ThrowsAsync<UnusableDatabaseException>(
                () => services.GetRequiredService<DatabaseMigrator>().MigrateAsync(None))).Message);
        Assert.Empty(await Sql.QueryAsync(latin, "SELECT nspname::text FROM pg_namespace WHERE nspname = 'pm'"));
    }

    private string WithLevel(string level) =>
        $@"{_connectionString};Options=-c default_transaction_isolation={level.Replace(" ", @"\ ", StringComparison.Ordinal)}";

    private Task SetDefaultAsync(string level) => Sql.ExecuteAsync(
        _connectionString,
        $"ALTER DATABASE {new NpgsqlConnectionStringBuilder(_connectionString).Database} SET default_transaction_isolation = '{level}'");
}
