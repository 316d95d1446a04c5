using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>What becomes of writes that go to PostgreSQL together.</summary>
public sealed class SharedTransactionTests : IAsyncLifetime
{
    private const string WaitingSessions =
        "SELECT pid::text FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

    // How many writes can be under way by themselves: those in turn, and those aside.
    private const int Alone = 2 + 8;

    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);
    private static readonly CancellationToken None = CancellationToken.None;

    private string _connectionString = "";
    private NpgsqlDataSource _source = null!;
    private ServiceProvider? _services;

    private IOperationStore Operations => _services!.GetRequiredService<IOperationStore>();

    public async Task InitializeAsync()
    {
        _connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        _source = NpgsqlDataSource.Create(_connectionString);
        await UseAsync(_connectionString);
    }

    public async Task DisposeAsync()
    {
        await _services!.DisposeAsync();
        await _source.DisposeAsync();
    }

    [Fact]
    public async Task Those_that_come_at_once_go_together_and_each_gets_its_own_result()
    {
        await CreateAsync("there");
        string[] ids = [.. Enumerable.Range(0, 200).Select(n => n % 10 == 0 ? "there" : $"p{n}")];

        var results = await AtOnceAsync(ids, id => IntendAsync(id));

        Assert.All(
            ids.Zip(results),
            of => Assert.IsType(of.First == "there" ? typeof(Intended.PayoutMoved) : typeof(Intended.Started), of.Second.Result));
        Assert.Equal(
            [.. ids.Where(id => id != "there").Order(StringComparer.Ordinal)],
            await _source.QueryAsync("SELECT payout_id FROM pm.payout_operation ORDER BY payout_id COLLATE \"C\""));
        Assert.NotInRange(
            int.Parse((await _source.QueryAsync("SELECT count(DISTINCT xmin::text)::text FROM pm.payout_operation"))[0]), 180, int.MaxValue);
    }

    [Fact]
    public async Task One_that_is_refused_does_not_take_the_others_down()
    {
        string[] ids = [.. Enumerable.Range(0, 60).Select(n => $"p{n}")];
        var confirmations = new Dictionary<string, (Operation Operation, PayoutEvent Change)>();
        foreach (var id in ids)
        {
            var payout = await CreateAsync(id);
            var started = Assert.IsType<Intended.Started>(await IntendAsync(id, new ConfirmIntent(), 0));
            confirmations[id] = (started.Operation, PayoutEvent.OfLatestChange(payout.Confirm(), payout.CreatedAt));
        }

        await _source.QueryAsync("UPDATE pm.payout SET sequence_id = 7 WHERE payout_id LIKE '%5'");

        var results = await AtOnceAsync(ids, id => Operations.ApplyAsync(confirmations[id].Operation, confirmations[id].Change, None));

        Assert.All(ids.Zip(results), of => Assert.Equal(!of.First.EndsWith('5'), of.Second.Result));
        Assert.Equal(
            [.. ids.Where(id => !id.EndsWith('5')).Order(StringComparer.Ordinal)],
            await _source.QueryAsync("SELECT payout_id FROM pm.payout_event WHERE sequence_id = 1 ORDER BY payout_id COLLATE \"C\""));
        Assert.Equal(
            [.. ids.Where(id => id.EndsWith('5')).Order(StringComparer.Ordinal)],
            await _source.QueryAsync("SELECT payout_id FROM pm.payout_operation ORDER BY payout_id COLLATE \"C\""));
    }

    [Fact]
    public async Task One_that_waits_for_a_row_gives_up_alone()
    {
        await using var connection = await _source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var stuck = new NpgsqlCommand(
            "INSERT INTO pm.payout_operation (payout_id, kind, attempt) VALUES ('stuck', 'create', 1)", connection, transaction))
        {
            await stuck.ExecuteNonQueryAsync();
        }

        string[] ids = [.. Enumerable.Range(0, 60).Select(n => n == 30 ? "stuck" : $"p{n}")];
        var results = await AtOnceAsync(ids, id => IntendAsync(id));

        Assert.All(
            ids.Zip(results),
            of => Assert.IsType(
                of.First == "stuck" ? typeof(NotDoneException) : typeof(Intended.Started),
                of.Second.Exception?.InnerException ?? (object)of.Second.Result));
    }

    [Fact]
    public async Task What_is_given_up_is_not_done_while_it_waits_and_unknown_once_it_is_sent()
    {
        await UseAsync($"{_connectionString};Options=-c lock_timeout=0");
        using var time = new CancellationTokenSource();
        await using (await LockAsync())
        {
            var sent = await SendEachAloneAsync([.. Enumerable.Range(0, Alone).Select(n => $"p{n}")], time.Token);
            var waiting = IntendAsync("waiting", cancellationToken: time.Token);

            await time.CancelAsync();

            await Assert.ThrowsAsync<NotDoneException>(() => waiting);
            // Unless the database is quick to say that it has cancelled them.
            foreach (var call in sent)
                Assert.True(await Record.ExceptionAsync(() => call) is OutcomeUnknownException or NotDoneException);
        }

        Assert.IsType<Intended.Started>(await IntendAsync("next"));
        Assert.DoesNotContain("waiting", await _source.QueryAsync("SELECT payout_id FROM pm.payout_operation"));
    }

    [Fact]
    public async Task Whose_connection_is_lost_is_unknown_whoever_else_was_on_it()
    {
        // Those whose id begins with slow stay under way.
        await _source.QueryAsync(
            """
            CREATE FUNCTION pm.stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN NEW; END';
            CREATE TRIGGER stay BEFORE INSERT ON pm.payout_operation
                FOR EACH ROW WHEN (NEW.payout_id LIKE 'slow%') EXECUTE FUNCTION pm.stay();
            """);
        const string asleep = "SELECT pid::text FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
        var alone = new List<Task<Intended>>();
        while (alone.Count < Alone)
        {
            alone.Add(IntendAsync($"slow{alone.Count}"));
            await UntilAsleepAsync(alone.Count);
        }

        Task<Intended>[] together = [IntendAsync("p1"), IntendAsync("p2"), IntendAsync("slow")];
        await LoseAsync();
        await UntilAsleepAsync(1);
        Assert.DoesNotContain(together, call => call.IsCompleted);
        await LoseAsync();

        foreach (var call in alone.Concat(together))
            await Assert.ThrowsAsync<OutcomeUnknownException>(() => call);
        Assert.Empty(await _source.QueryAsync("SELECT payout_id FROM pm.payout_operation"));
        Assert.IsType<Intended.Started>(await IntendAsync("p3"));

        Task UntilAsleepAsync(int sessions) => Sql.UntilAsync(async () => (await _source.QueryAsync(asleep)).Count == sessions);

        Task LoseAsync() =>
            _source.QueryAsync($"SELECT pg_terminate_backend(pid::int, 10000)::text FROM ({asleep}) AS those (pid)");
    }

    /// <summary>Neither those that came with it nor those that come after it, for as long as the row is locked.</summary>
    [Fact]
    public async Task Those_that_wait_for_a_row_delay_no_other()
    {
        await UseAsync($"{_connectionString};Options=-c lock_timeout=0");
        await using var connection = await _source.OpenConnectionAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using (var stuck = new NpgsqlCommand(
                "INSERT INTO pm.payout_operation (payout_id, kind, attempt) VALUES ('stuck', 'create', 1)", connection, transaction))
            {
                await stuck.ExecuteNonQueryAsync();
            }

            var waiting = new List<Task<Intended>>();
            for (var round = 0; round < 20; round++)
            {
                if (waiting.Count < 4)
                    waiting.Add(IntendAsync("stuck"));
                await Task.WhenAll(await AtOnceAsync(Enumerable.Range(0, 30).Select(n => $"p{round}-{n}"), id => IntendAsync(id)));
            }

            Assert.DoesNotContain(waiting, call => call.IsCompleted);
            await transaction.RollbackAsync();
            Assert.Single(await Task.WhenAll(waiting), answer => answer is Intended.Started);
        }

        Assert.Equal(["600"], await _source.QueryAsync("SELECT count(*)::text FROM pm.payout_operation WHERE payout_id LIKE 'p%'"));
    }

    private static async Task<Task<T>[]> AtOnceAsync<T>(IEnumerable<string> ids, Func<string, Task<T>> callAsync)
    {
        Task<T>[] calls = [.. ids.Select(callAsync)];
        Task ended = Task.WhenAll(calls);
        await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return calls;
    }

    private Task<Intended> IntendAsync(
        string id, OperationIntent? intent = null, int? expectedSequenceId = null, CancellationToken cancellationToken = default) =>
        Operations.IntendAsync(
            new PayoutId(id), intent ?? Payouts.CreateIntent(id), expectedSequenceId, Operation.NewOwner(), null, Lease, cancellationToken);

    private async Task<Payout> CreateAsync(string id)
    {
        var payout = Payouts.Unpaid(id);
        var started = Assert.IsType<Intended.Started>(await IntendAsync(id));
        Assert.True(await Operations.ApplyAsync(started.Operation, new PayoutCreated(payout, payout.CreatedAt), None));
        return payout;
    }

    /// <summary>Puts another host in the place of the one before, on connections of its own.</summary>
    private async Task UseAsync(string connectionString)
    {
        if (_services is not null)
            await _services.DisposeAsync();
        _services = new ServiceCollection().AddStorage(new StorageOptions { ConnectionString = connectionString }).BuildServiceProvider();
        await _services.GetRequiredService<DatabaseMigrator>().MigrateAsync(None);
    }

    /// <summary>Keeps everybody from operations until the transaction is disposed of.</summary>
    private async Task<NpgsqlTransaction> LockAsync()
    {
        var connection = await _source.OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("LOCK TABLE pm.payout_operation IN EXCLUSIVE MODE", connection, transaction);
        await command.ExecuteNonQueryAsync();
        return transaction;
    }

    /// <summary>Lets writes come one after the other, each of which waits at a lock before the next one comes.</summary>
    private async Task<IReadOnlyList<Task<Intended>>> SendEachAloneAsync(string[] ids, CancellationToken cancellationToken)
    {
        var calls = new List<Task<Intended>>();
        foreach (var id in ids)
        {
            calls.Add(IntendAsync(id, cancellationToken: cancellationToken));
            await UntilWaitingAsync(calls.Count);
        }

        return calls;
    }

    private Task UntilWaitingAsync(int sessions) =>
        Sql.UntilAsync(async () => (await _source.QueryAsync(WaitingSessions)).Count >= sessions);
}
