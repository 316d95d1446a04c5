using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>Errors that a real server raises in the middle of use cases, and servers that take no writes.</summary>
public sealed class DatabaseFaultTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly InMemoryLedger _ledger = new();
    private string _connectionString = "";
    private StorageHost _host = null!;

    public async Task InitializeAsync()
    {
        _connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        await StorageHost.MigrateAsync(_connectionString);
        _host = new StorageHost(_connectionString, _ledger);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [InlineData("08006", false)]
    [InlineData("0A000", false)]
    [InlineData("22023", false)]
    [InlineData("23514", true)]
    [InlineData("40001", true)]
    [InlineData("40003", false)]
    [InlineData("42501", true)]
    [InlineData("53100", true)]
    [InlineData("55P03", true)]
    [InlineData("57014", true)]
    [InlineData("57P01", false)]
    [InlineData("58030", false)]
    [InlineData("P0001", false)]
    [InlineData("XX000", false)]
    public async Task An_error_is_not_done_before_the_ledger_only_if_it_is_listed_and_unknown_after(string code, bool isListed)
    {
        await RaiseAsync(code, "payout_operation");
        var intending = await Assert.ThrowsAnyAsync<Exception>(() => _host.CreateAsync("p1"));
        Assert.IsType(isListed ? typeof(NotDoneException) : typeof(OutcomeUnknownException), intending);
        Assert.Empty(_ledger.Calls);

        await RaiseAsync(code, "payout");
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _host.CreateAsync("p2"));
        await RaiseAsync(null, "payout");
        await _host.RecoverAsync();

        Assert.Equal([new("payout_p2", PlanState.RolledBack)], _ledger.Plans);
        Assert.Equal("payout#2_p2", (await _host.CreateAsync("p2")).HoldPlan.Id);

        await RaiseAsync(code, "payout");
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _host.ConfirmAsync("p2"));
        await RaiseAsync(null, "payout");
        await _host.RecoverAsync();

        Assert.Equal(PayoutStatus.Confirmed, (await _host.GetAsync("p2")).Status);
        Assert.Empty(await Sql.QueryAsync(_connectionString, "SELECT payout_id FROM pm.payout_operation"));
    }

    /// <summary>That calls end at all shows it: nobody thaws the server before.</summary>
    [Fact]
    public async Task A_server_that_is_silent_ends_calls_with_their_deadline()
    {
        var server = await InstalledPostgres.StartAsync();
        await StorageHost.MigrateAsync(server.ConnectionString);
        await using var host = new StorageHost(server.ConnectionString, _ledger);
        await host.CreateAsync("p1");
        server.Freeze();

        using (var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(200), TimeProvider.System))
        {
            var reading = host.Payouts.FindAsync(new PayoutId("p1"), deadline.Token);
            var writing = host.Operations.IntendAsync(
                new PayoutId("p1"), new ConfirmIntent(), 0, Operation.NewOwner(), null, TimeSpan.FromMinutes(1), deadline.Token);
            await Assert.ThrowsAsync<NotDoneException>(() => reading);
            await Assert.ThrowsAsync<OutcomeUnknownException>(() => writing);
        }

        server.Thaw();
        // Whichever it was.
        await Sql.ExecuteAsync(server.ConnectionString, "UPDATE pm.payout_operation SET lease_until = statement_timestamp()");
        await host.RecoverAsync();
        await host.ConfirmAsync("p1");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_apply_that_is_cancelled_by_an_operator_or_a_time_out_is_unknown_and_goes_on_by_itself(bool byOperator)
    {
        await using var host = new StorageHost(
            byOperator ? _connectionString : $"{_connectionString};Options=-c statement_timeout=300ms", _ledger);
        await Sql.ExecuteAsync(
            _connectionString,
            """
            CREATE FUNCTION pm.wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END';
            CREATE TRIGGER waits BEFORE INSERT ON pm.payout FOR EACH ROW EXECUTE FUNCTION pm.wait()
            """);

        var creating = host.CreateAsync("p1");
        if (byOperator)
        {
            await Sql.UntilAsync(async () => await Sql.QueryAsync(
                _connectionString,
                """
                SELECT pg_cancel_backend(pid)::text FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event = 'PgSleep'
                """) is not []);
        }

        await Assert.ThrowsAsync<OutcomeUnknownException>(() => creating);
        await Sql.ExecuteAsync(_connectionString, "DROP TRIGGER waits ON pm.payout");
        await host.RecoverAsync();
        Assert.Equal([new("payout_p1", PlanState.RolledBack)], _ledger.Plans);
        await Assert.ThrowsAsync<NotFoundException>(() => host.GetAsync("p1"));
    }

    [Fact]
    public async Task A_read_only_database_is_not_done_and_named_and_worked_with_again_once_it_takes_writes()
    {
        var migrator = _host.Services.GetRequiredService<DatabaseMigrator>();
        await _host.CreateAsync("p1");
        Assert.Null(await migrator.FindFaultAsync(None));

        // Sessions that are open keep what they have; new ones are as those of a standby.
        var database = new NpgsqlConnectionStringBuilder(_connectionString).Database;
        await Sql.ExecuteAsync(_connectionString, $"ALTER DATABASE {database} SET default_transaction_read_only = on");
        _host.Services.GetRequiredService<NpgsqlDataSource>().Clear();

        var refused = await Assert.ThrowsAsync<NotDoneException>(() => _host.CreateAsync("p2"));
        Assert.Equal("The database refused the write (25006: cannot execute INSERT in a read-only transaction).", refused.Message);
        await Assert.ThrowsAsync<NotDoneException>(() => _host.ConfirmAsync("p1"));
        Assert.Equal(PayoutStatus.Unpaid, (await _host.GetAsync("p1")).Status);
        Assert.Equal("read-only: a standby, or default_transaction_read_only is on", await migrator.FindFaultAsync(None));
        Assert.Single(_ledger.Plans);

        await Sql.ExecuteAsync(
            $"{_connectionString};Options=-c default_transaction_read_only=off",
            $"ALTER DATABASE {database} RESET default_transaction_read_only");

        // Connections that were opened meanwhile are replaced once in a second.
        await Sql.UntilAsync(async () => await migrator.FindFaultAsync(None) is null);
        await _host.ConfirmAsync("p1");
        Assert.Equal(PayoutStatus.Confirmed, (await _host.GetAsync("p1")).Status);
    }

    [Fact]
    public async Task A_role_without_rights_is_refused_by_name()
    {
        var role = new NpgsqlConnectionStringBuilder(_connectionString).Database + "_reader";
        await Sql.ExecuteAsync(_connectionString, $"CREATE ROLE {role}; GRANT USAGE ON SCHEMA pm TO {role}; GRANT SELECT ON pm.payout TO {role}");
        await using var host = new StorageHost($"{_connectionString};Options=-c role={role}", _ledger);

        Assert.Equal(
            "The database refused the write (42501: permission denied for table payout_operation).",
            (await Assert.ThrowsAsync<NotDoneException>(() => host.CreateAsync("p1"))).Message);
        Assert.Equal(
            "The database did not answer (42501: permission denied for table cash_flow_posting).",
            (await Assert.ThrowsAsync<NotDoneException>(() => host.GetAsync("p1"))).Message);
        Assert.Empty(_ledger.Calls);
    }

    [Fact]
    public async Task A_database_that_is_not_there_is_told_from_one_that_refuses()
    {
        await using var gone = new StorageHost("Host=127.0.0.1;Port=1;Username=x;Database=x;Timeout=2", _ledger);
        await using var unknown = new StorageHost(
            new NpgsqlConnectionStringBuilder(_connectionString) { Database = "nobody_made_it" }.ConnectionString, _ledger);

        foreach (var askAsync in (Func<StorageHost, Task>[])[h => h.GetAsync("p1"), h => h.CreateAsync("p1")])
        {
            Assert.Equal("The database cannot be reached.", (await Assert.ThrowsAsync<NotDoneException>(() => askAsync(gone))).Message);
            Assert.Equal(
                "The database refused a connection (3D000).", (await Assert.ThrowsAsync<NotDoneException>(() => askAsync(unknown))).Message);
        }
    }

    /// <summary>An error that proves nothing leaves its own write open, and nobody else's.</summary>
    [Fact]
    public async Task A_write_with_an_unlisted_error_does_not_take_its_company_down_nor_more_connections()
    {
        await RaiseAsync("XX000", "payout_operation", "NEW.payout_id = 'p30'");
        await using var host = new StorageHost($"{_connectionString};Application Name=writer", _ledger);
        string[] ids = [.. Enumerable.Range(0, 60).Select(n => $"p{n}")];
        Task<Intended>[] calls =
        [
            .. ids.Select(id => host.Operations.IntendAsync(
                new PayoutId(id), Payouts.CreateIntent(id), null, Operation.NewOwner(), null, TimeSpan.FromMinutes(1), None)),
        ];
        for (var i = 0; i < ids.Length; i++)
        {
            if (ids[i] == "p30")
                await Assert.ThrowsAsync<OutcomeUnknownException>(() => calls[i]);
            else
                Assert.IsType<Intended.Started>(await calls[i]);
        }

        var sessions = await Sql.QueryAsync(
            _connectionString,
            "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'writer'");
        // Two for writes together and, where a busy machine makes rows stay locked for long, at most eight for those that wait for them.
        Assert.InRange(sessions.Count, 1, 10);
    }

    /// <summary>Lets writes of a table's rows fail with a code; with null no longer.</summary>
    private Task RaiseAsync(string? code, string table, string condition = "true") => Sql.ExecuteAsync(
        _connectionString,
        $"DROP TRIGGER IF EXISTS raises ON pm.payout; DROP TRIGGER IF EXISTS raises ON pm.payout_operation;"
        + (code is null
            ? ""
            : $"""
               CREATE OR REPLACE FUNCTION pm.raise() RETURNS trigger LANGUAGE plpgsql AS
                   $f$ BEGIN IF {condition} THEN RAISE EXCEPTION 'raised' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $f$;
               CREATE TRIGGER raises BEFORE INSERT OR UPDATE ON pm.{table} FOR EACH ROW EXECUTE FUNCTION pm.raise()
               """));
}
