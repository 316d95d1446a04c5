using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Infrastructure.Storage.Postgres;
using PayoutManager.Testing;

namespace PayoutManager.Infrastructure.Tests.Storage;

public sealed class PostgresStoreTests : StoreTests
{
    /// <summary>Makes the tables as they were after the migration.</summary>
    internal const string Clear =
        """
        TRUNCATE pm.payout, pm.cash_flow_posting, pm.payout_operation, pm.payout_event, pm.event_outbox, pm.relay_host, pm.audit_finding
            RESTART IDENTITY;
        UPDATE pm.relay_lane SET owner = NULL, lease_until = NULL;
        UPDATE pm.audit_progress SET stored_at = '1970-01-01 00:00:00+00', event_id = 0, payout_id = NULL, owner = NULL, lease_until = NULL
        """;

    private static readonly Lazy<Task<string>> Database =
        new(async () => await (await PostgresServer.GetAsync()).CreateDatabaseAsync());

    private string _connectionString = "";

    public override async Task DisposeAsync()
    {
        await ExecuteAsync(Clear);
        await base.DisposeAsync();
    }

    [Fact]
    public void The_migrations_make_what_the_model_says()
    {
        using var context = new PostgresDesignFactory().CreateDbContext([]);
        Assert.False(context.Database.HasPendingModelChanges());
    }

    [Fact]
    public async Task The_tables_are_those_of_the_incumbent_and_ours()
    {
        Assert.Equal(
            [
                "audit_finding: payout_id character varying, kind text, description text, disagrees boolean, since timestamp with time zone, first_seen_at timestamp with time zone, last_seen_at timestamp with time zone",
                "audit_progress: scope text, stored_at timestamp with time zone, event_id bigint, payout_id character varying null, owner text null, lease_until timestamp with time zone null",
                "cash_flow_posting: id bigint, payout_id character varying, created_at timestamp without time zone, from_account_id bigint, from_account_type account_type, to_account_id bigint, to_account_type account_type, amount bigint, currency_code character varying, description character varying null",
                "event_outbox: payout_id character varying, sequence_id integer, id bigint, lane smallint, payload bytea, trace_parent text null, stored_at timestamp with time zone",
                "payout: id bigint, sequence_id integer, payout_id character varying, created_at timestamp without time zone, party_id character varying, shop_id character varying, status payout_status, payout_tool_id character varying null, amount bigint, fee bigint, currency_code character varying, cancel_details character varying null, hold_attempt integer, request_digest character varying null",
                "payout_event: id bigint, payout_id character varying, sequence_id integer, created_at timestamp with time zone, payload bytea, published_at timestamp with time zone null, stored_at timestamp with time zone, trace_parent text null, actor text null, reason text null",
                "payout_operation: payout_id character varying, kind text, attempt integer, owner text null, lease_until timestamp with time zone null, request jsonb null, started_at timestamp with time zone, actor text null, reason text null, failed_tries integer, last_error text null, next_try_at timestamp with time zone null, plan_refused boolean",
                "relay_host: owner text, present_until timestamp with time zone",
                "relay_lane: lane smallint, owner text null, lease_until timestamp with time zone null",
                "relay_lease: id integer, owner text null, lease_until timestamp with time zone null",
            ],
            await QueryAsync(
                """
                SELECT table_name || ': ' || string_agg(
                    column_name || ' ' || CASE data_type WHEN 'USER-DEFINED' THEN udt_name ELSE data_type END
                        || CASE is_nullable WHEN 'YES' THEN ' null' ELSE '' END,
                    ', ' ORDER BY ordinal_position)
                FROM information_schema.columns
                WHERE table_schema = 'pm' AND table_name <> 'payout_manager_migration'
                GROUP BY table_name ORDER BY table_name
                """));
    }

    [Fact]
    public async Task Enums_have_the_labels_of_the_incumbent_and_the_missing_ones()
    {
        Assert.Equal(
            ["CANCELLED", "CONFIRMED", "FAILED", "PAID", "UNPAID"],
            (await QueryAsync("SELECT unnest(enum_range(NULL::pm.payout_status))::text")).Order());
        Assert.Equal(
            [
                "EXTERNAL_INCOME", "EXTERNAL_OUTCOME", "MERCHANT_GUARANTEE", "MERCHANT_PAYOUT", "MERCHANT_SETTLEMENT",
                "PROVIDER_SETTLEMENT", "SYSTEM_SETTLEMENT", "SYSTEM_SUBAGENT", "WALLET_RECEIVER_DESTINATION",
                "WALLET_RECEIVER_SETTLEMENT", "WALLET_SENDER_SETTLEMENT", "WALLET_SENDER_SOURCE",
            ],
            (await QueryAsync("SELECT unnest(enum_range(NULL::pm.account_type))::text")).Order());
    }

    [Fact]
    public async Task Several_hosts_can_migrate_at_once()
    {
        var fresh = new StorageOptions { ConnectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync() };
        await using var services = new ServiceCollection().AddStorage(fresh).BuildServiceProvider();
        var migrator = services.GetRequiredService<DatabaseMigrator>();
        var pending = await migrator.GetPendingAsync(CancellationToken.None);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => migrator.MigrateAsync(CancellationToken.None))));

        Assert.Empty(await migrator.GetPendingAsync(CancellationToken.None));
        Assert.Equal(
            pending,
            await Sql.QueryAsync(fresh.ConnectionString, """SELECT "MigrationId" FROM pm.payout_manager_migration ORDER BY 1"""));
    }

    [Fact]
    public async Task Migrating_leaves_no_lock_and_no_setting_behind()
    {
        var fresh = new StorageOptions { ConnectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync() };
        await using var services = new ServiceCollection().AddStorage(fresh).BuildServiceProvider();

        await services.GetRequiredService<DatabaseMigrator>().MigrateAsync(CancellationToken.None);

        await using var ofThePool = services.GetRequiredService<NpgsqlDataSource>().CreateCommand("SHOW lock_timeout");
        Assert.Equal("1s", await ofThePool.ExecuteScalarAsync());
        await Sql.UntilAsync(async () => await Sql.QueryAsync(
            fresh.ConnectionString,
            """
            SELECT 'locked' FROM pg_locks
            WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """) is []);
    }

    [Fact]
    public async Task An_operation_whose_row_is_locked_is_not_waited_for()
    {
        var operations = Services.GetRequiredService<IOperationStore>();
        var id = new PayoutId("locked");
        var started = Assert.IsType<Intended.Started>(await operations.IntendAsync(
            id, Payouts.CreateIntent("locked"), null, "owner", null, TimeSpan.FromMinutes(1), CancellationToken.None));
        await operations.ReleaseAsync(started.Operation, failure: null, CancellationToken.None);

        await using (var other = new NpgsqlConnection(_connectionString))
        {
            await other.OpenAsync();
            await using var transaction = await other.BeginTransactionAsync();
            await using var command = new NpgsqlCommand("SELECT FROM pm.payout_operation WHERE payout_id = 'locked' FOR UPDATE", other, transaction);
            await command.ExecuteNonQueryAsync();

            Assert.Null(await operations.TakeOverAsync(id, "taker", TimeSpan.FromMinutes(1), ignorePause: true, CancellationToken.None));
            Assert.Equal([id], await operations.ListDueAsync());
        }

        Assert.NotNull(await operations.TakeOverAsync(id, "taker", TimeSpan.FromMinutes(1), ignorePause: true, CancellationToken.None));
    }

    [Fact]
    public async Task A_note_whose_row_is_locked_is_not_waited_for_and_stays()
    {
        await ExecuteAsync(
            """
            INSERT INTO pm.payout_operation (payout_id, kind, attempt, started_at)
            VALUES ('locked', 'spent', 1, '2020-01-01'), ('free', 'spent', 1, '2020-01-01')
            """);
        var retention = Services.GetRequiredService<IRetention>();
        await using (var other = new NpgsqlConnection(_connectionString))
        {
            await other.OpenAsync();
            await using var transaction = await other.BeginTransactionAsync();
            await using var command = new NpgsqlCommand("SELECT FROM pm.payout_operation WHERE payout_id = 'locked' FOR UPDATE", other, transaction);
            await command.ExecuteNonQueryAsync();

            Assert.Equal(
                new PrunedPage(1, IsLast: true),
                await retention.PruneSpentAttemptsAsync(TimeSpan.FromDays(30), 3, 100, CancellationToken.None));
        }

        Assert.Equal(
            new PrunedPage(1, IsLast: true),
            await retention.PruneSpentAttemptsAsync(TimeSpan.FromDays(30), 3, 100, CancellationToken.None));
    }

    [Fact]
    public async Task What_is_too_old_is_found_by_indexes_that_hold_nothing_else()
    {
        var fresh = new StorageOptions { ConnectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync() };
        await using (var services = new ServiceCollection().AddStorage(fresh).BuildServiceProvider())
        {
            await services.GetRequiredService<DatabaseMigrator>().MigrateAsync(CancellationToken.None);
            var retention = services.GetRequiredService<IRetention>();

            await retention.PruneSpentAttemptsAsync(TimeSpan.FromDays(30), 3, 100, CancellationToken.None);
            await retention.PruneEventsAsync(TimeSpan.FromDays(30), 100, CancellationToken.None);
        }

        // Sessions tell what they have done, at the latest, when they end.
        await Sql.UntilAsync(async () => await Sql.QueryAsync(
            fresh.ConnectionString,
            "SELECT 'open' FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") is []);
        Assert.Equal(
            ["payout_event_first_idx 1", "payout_operation_spent_idx 1"],
            await Sql.QueryAsync(
                fresh.ConnectionString,
                """
                SELECT indexrelname || ' ' || idx_scan FROM pg_stat_user_indexes
                WHERE indexrelname IN ('payout_event_first_idx', 'payout_operation_spent_idx') ORDER BY 1
                """));
    }

    [Fact]
    public async Task After_a_rush_operations_are_still_found_by_an_index()
    {
        var fresh = new StorageOptions { ConnectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync() };
        await using (var services = new ServiceCollection().AddStorage(fresh).BuildServiceProvider())
            await services.GetRequiredService<DatabaseMigrator>().MigrateAsync(CancellationToken.None);
        // Two rows in pages for thousands, the last of which cannot be cut off.
        await Sql.ExecuteAsync(
            fresh.ConnectionString,
            """
            INSERT INTO pm.payout_operation (payout_id, kind, attempt, owner, lease_until, request)
            SELECT 'rush-' || n, 'confirm', 1, 'nobody', now() + interval '1 hour', '{}' FROM generate_series(1, 20000) n;
            DELETE FROM pm.payout_operation WHERE payout_id NOT IN ('rush-1', 'rush-20000');
            """);
        await Sql.ExecuteAsync(fresh.ConnectionString, "VACUUM ANALYZE pm.payout_operation");
        var (before, _) = await ScansAsync();

        await using (var services = new ServiceCollection().AddStorage(fresh).BuildServiceProvider())
        {
            var operations = services.GetRequiredService<IOperationStore>();
            for (var n = 1; n <= 10; n++)
            {
                var payout = Payouts.Unpaid($"p{n}");
                var started = Assert.IsType<Intended.Started>(await operations.IntendAsync(
                    payout.Id, Payouts.CreateIntent($"p{n}"), null, Operation.NewOwner(), null, TimeSpan.FromMinutes(1), CancellationToken.None));
                Assert.True(await operations.ApplyAsync(
                    started.Operation, new PayoutCreated(payout, payout.CreatedAt), CancellationToken.None));
            }

            Assert.Equal(2, (await services.GetRequiredService<IBacklog>().ReadAsync(CancellationToken.None)).Operations["confirm"].Count);
            Assert.Empty(await operations.ListDueAsync());
        }

        var after = await ScansAsync();
        Assert.Equal(before, after.OfAll);
        Assert.True(after.ByIndex >= 20);

        async Task<(long OfAll, long ByIndex)> ScansAsync()
        {
            // Sessions tell what they have done, at the latest, when they end.
            await Sql.UntilAsync(async () => await Sql.QueryAsync(
                fresh.ConnectionString,
                "SELECT 'open' FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") is []);
            var scans = await Sql.QueryAsync(
                fresh.ConnectionString,
                "SELECT seq_scan || ' ' || idx_scan FROM pg_stat_user_tables WHERE relname = 'payout_operation'");
            long[] figures = [.. scans[0].Split(' ').Select(long.Parse)];
            return (figures[0], figures[1]);
        }
    }

    [Fact]
    public async Task A_host_that_was_there_before_the_tables_reads_them_once_another_has_made_them()
    {
        var fresh = new StorageOptions { ConnectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync() };
        await using var early = new ServiceCollection().AddStorage(fresh).BuildServiceProvider();
        await using var other = new ServiceCollection().AddStorage(fresh).BuildServiceProvider();
        var migrator = early.GetRequiredService<DatabaseMigrator>();

        Assert.False(await migrator.IsMigratedAsync(CancellationToken.None));
        await other.GetRequiredService<DatabaseMigrator>().MigrateAsync(CancellationToken.None);
        Assert.True(await migrator.IsMigratedAsync(CancellationToken.None));

        await Sql.ExecuteAsync(
            fresh.ConnectionString,
            """
            INSERT INTO pm.payout (sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, currency_code)
            VALUES (0, 'p1', '2021-09-10 12:34:56.789012', 'party-1', 'shop-1', 'CONFIRMED', 'tool-1', 97500, 'RUB')
            """);
        var payout = await early.GetRequiredService<IPayoutStore>().FindAsync(new PayoutId("p1"), CancellationToken.None);
        Assert.Equal(PayoutState.Confirmed, payout!.Status.State);
    }

    [Fact]
    public async Task A_database_that_is_not_migrated_or_not_there_is_out_of_reach()
    {
        var empty = new StorageOptions { ConnectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync() };
        var gone = new StorageOptions { ConnectionString = "Host=127.0.0.1;Port=1;Username=x;Database=x;Timeout=2" };
        foreach (var options in (StorageOptions[])[empty, gone])
        {
            await using var services = new ServiceCollection().AddStorage(options).BuildServiceProvider();
            await Assert.ThrowsAsync<NotDoneException>(() =>
                services.GetRequiredService<IPayoutStore>().FindAsync(new PayoutId("p1"), CancellationToken.None));
        }
    }

    [Fact]
    public async Task A_payout_of_the_incumbent_is_read()
    {
        await ExecuteAsync(
            """
            INSERT INTO pm.payout (sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, currency_code, cancel_details)
            VALUES (1, 'old', '2021-09-10 12:34:56.789012', 'party-1', 'shop-1', 'PAID', 'tool-1', 97500, 'RUB', NULL);
            INSERT INTO pm.cash_flow_posting (payout_id, created_at, from_account_id, from_account_type, to_account_id, to_account_type, amount, currency_code, description)
            VALUES ('old', '2021-09-10 12:34:56.789012', 10, 'MERCHANT_SETTLEMENT', 12, 'MERCHANT_PAYOUT', 97500, 'RUB', NULL);
            """);

        var payout = await Services.GetRequiredService<IPayoutStore>().FindAsync(new PayoutId("old"), CancellationToken.None);

        Assert.Equal(PayoutStatus.Paid, payout!.Status);
        Assert.Equal((97_500, 0), (payout.Amount.Amount, payout.Fee.Amount));
        Assert.Equal("payout_old", payout.HoldPlan.Id);
        Assert.Equal("PAYOUT-old", Assert.Single(payout.HoldPlan.Postings).Description);
        Assert.Equal(7_890_120, payout.CreatedAt.Ticks % TimeSpan.TicksPerSecond);
    }

    protected override async Task<StorageOptions> CreateDatabaseAsync()
    {
        _connectionString = await Database.Value;
        return new StorageOptions { ConnectionString = _connectionString };
    }

    protected override Task ExecuteAsync(string sql) => Sql.ExecuteAsync(_connectionString, sql);

    protected override Task<IReadOnlyList<string>> QueryAsync(string sql) => Sql.QueryAsync(_connectionString, sql);

    protected override string Table(string name) => $"pm.{name}";
}
