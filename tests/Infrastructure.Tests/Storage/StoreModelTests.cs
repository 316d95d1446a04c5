using CsCheck;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Application.Ports;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing;
using Xunit.Sdk;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>
/// The in-memory store, on which the simulation and the application's tests run, gives the same answers to random calls as the real
/// ones.
/// </summary>
/// <remarks>
/// Each run makes other scripts. A failure names its seed: with the environment variable <c>CsCheck_Seed</c> set to it, the test
/// begins with the same script. <c>CsCheck_Iter</c>, by default 100, scales how many scripts a test runs.
/// </remarks>
public sealed class StoreModelTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("payouts-model-").FullName;
    private readonly List<ServiceProvider> _services = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var services in _services)
            await services.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Calls_one_after_another_are_answered_by_sqlite_as_by_the_model()
    {
        var connectionString = $"Data Source={Path.Combine(_folder, "payouts.db")}";
        var options = new StorageOptions { Provider = StorageProvider.Sqlite, ConnectionString = connectionString };
        await MigrateAsync(options);
        var host = Open(options) with
        {
            // Its clock shows milliseconds.
            LetClockMoveAsync = () => Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System),
        };
        await using var connection = new SqliteConnection(connectionString);
        await connection.OpenAsync();

        await SampleAsync(Sequence, Check.Iter, [host], isOrdered: true, async () =>
        {
            await using var command = connection.CreateCommand();
            command.CommandText =
                """
                DELETE FROM payout; DELETE FROM cash_flow_posting; DELETE FROM payout_operation; DELETE FROM payout_event;
                DELETE FROM event_outbox; DELETE FROM relay_host; UPDATE relay_lane SET owner = NULL, lease_until = NULL;
                DELETE FROM audit_finding;
                UPDATE audit_progress
                SET stored_at = '1970-01-01 00:00:00', event_id = 0, payout_id = NULL, owner = NULL, lease_until = NULL
                """;
            await command.ExecuteNonQueryAsync();
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Calls_one_after_another_are_answered_by_postgres_as_by_the_model(bool isPartitioned)
    {
        var connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        var options = new StorageOptions { ConnectionString = connectionString };
        await MigrateAsync(options);
        if (isPartitioned)
            await HashPartitions.MakeAsync(connectionString);
        await using var source = NpgsqlDataSource.Create(connectionString);

        await SampleAsync(Sequence, (isPartitioned ? 1 : 4) * Check.Iter, [Open(options)], isOrdered: true, () => ClearAsync(source));
    }

    [Theory]
    [InlineData("read committed")]
    [InlineData("repeatable read")]
    [InlineData("serializable")]
    public async Task Calls_at_the_same_time_are_answered_by_postgres_as_in_some_order_by_the_model(string defaultIsolation)
    {
        var database = new NpgsqlConnectionStringBuilder(await (await PostgresServer.GetAsync()).CreateDatabaseAsync());
        await Sql.ExecuteAsync(
            database.ConnectionString, $"ALTER DATABASE {database.Database} SET default_transaction_isolation = '{defaultIsolation}'");
        await MigrateAsync(new StorageOptions { ConnectionString = database.ConnectionString });
        // A host asks for READ COMMITTED by a start-up option, and refuses to start without it. Later sessions may still lack it,
        // where a pooler drops the option. The connection string's own options come after the host's and win.
        database.Options = $"-c default_transaction_isolation={defaultIsolation.Replace(" ", "\\ ", StringComparison.Ordinal)}";
        var options = new StorageOptions { ConnectionString = database.ConnectionString };
        var first = Open(options);
        Stores[] hosts = [first, Open(options) with { Events = first.Events }];
        foreach (var services in _services)
        {
            Assert.Equal(
                [defaultIsolation], await services.GetRequiredService<NpgsqlDataSource>().QueryAsync("SHOW transaction_isolation"));
        }

        await using var source = NpgsqlDataSource.Create(database.ConnectionString);
        // Each change of an operation takes up to 3 ms longer before it is committed, so that other calls often have to wait for it.
        await Sql.ExecuteAsync(
            database.ConnectionString,
            """
            CREATE FUNCTION pm.delay() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_sleep(random() * 0.003); RETURN NULL; END';
            CREATE TRIGGER delay AFTER INSERT OR UPDATE OR DELETE ON pm.payout_operation
                FOR EACH ROW EXECUTE FUNCTION pm.delay();
            """);

        await SampleAsync(Crowds, Check.Iter, hosts, isOrdered: false, () => ClearAsync(source));
    }

    private static Gen<Step[][]> Sequence { get; } = Steps.InSequence.Array[1].Array[1, 60];

    // Several of the same call get into each other's way most of all.
    private static Gen<Step[][]> Crowds { get; } = Gen.Frequency<Step[]>(
        (4, Steps.BetweenCrowds.Array[1]),
        (2, Gen.Select(Steps.AtOnce, Gen.Int[2, 4], (step, times) => Enumerable.Repeat(step, times).ToArray())),
        (4, Steps.AtOnce.Array[2, 4])).Array[1, 15];

    private static async Task SampleAsync(Gen<Step[][]> scripts, long count, Stores[] hosts, bool isOrdered, Func<Task> clearAsync)
    {
        Step[][] failed = [];
        var report = "";
        try
        {
            await scripts.SampleAsync(
                async script =>
                {
                    if (await RunAsync(script) is not { } disagreement)
                        return;
                    (failed, report) = (script, disagreement);
                    throw new XunitException("The stores disagree.");
                },
                iter: count,
                threads: 1,
                print: script => $"{script.Sum(group => group.Length)} calls");
        }
        catch (CsCheckException e)
        {
            await RemoveNeedlessCallsAsync();
            throw new XunitException($"{e.Message}\n{report}", e);
        }

        // CsCheck finds shorter scripts by chance. This removes each call of the shortest that the failure does not need.
        async Task RemoveNeedlessCallsAsync()
        {
            for (var isShorter = true; isShorter;)
            {
                isShorter = false;
                for (var group = failed.Length - 1; group >= 0; group--)
                {
                    for (var call = failed[group].Length - 1; call >= 0; call--)
                    {
                        Step[] rest = [.. failed[group][..call], .. failed[group][(call + 1)..]];
                        Step[][] shorter = [.. failed[..group], .. rest.Length == 0 ? [] : (Step[][])[rest], .. failed[(group + 1)..]];
                        if (await FailAsync(shorter) is not { } disagreement)
                            continue;
                        (failed, report, isShorter) = (shorter, disagreement, true);
                        if (rest.Length == 0)
                            break;
                    }
                }
            }
        }

        async Task<string?> FailAsync(Step[][] script)
        {
            // Calls at the same time do not meet in the same way each time.
            for (var tries = isOrdered ? 1 : 5; tries > 0; tries--)
            {
                if (await RunAsync(script) is { } disagreement)
                    return disagreement;
            }

            return null;
        }

        async Task<string?> RunAsync(Step[][] script)
        {
            await clearAsync();
            hosts[0].Events.Clear();
            return await new Script(hosts, isOrdered).RunAsync(script);
        }
    }

    private static async Task ClearAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand(
            """
            DELETE FROM pm.payout; DELETE FROM pm.cash_flow_posting; DELETE FROM pm.payout_operation; DELETE FROM pm.payout_event;
            DELETE FROM pm.event_outbox; DELETE FROM pm.relay_host; UPDATE pm.relay_lane SET owner = NULL, lease_until = NULL;
            DELETE FROM pm.audit_finding;
            UPDATE pm.audit_progress
            SET stored_at = '1970-01-01 00:00:00+00', event_id = 0, payout_id = NULL, owner = NULL, lease_until = NULL
            """);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task MigrateAsync(StorageOptions options)
    {
        await using var services = new ServiceCollection().AddStorage(options).BuildServiceProvider();
        await services.GetRequiredService<DatabaseMigrator>().MigrateAsync(default);
    }

    private Stores Open(StorageOptions options)
    {
        var services = new ServiceCollection().AddStorage(options).BuildServiceProvider();
        _services.Add(services);
        return new Stores(
            services.GetRequiredService<IPayoutStore>(),
            services.GetRequiredService<IOperationStore>(),
            services.GetRequiredService<IEventOutbox>(),
            services.GetRequiredService<IPayoutHistory>(),
            services.GetRequiredService<IRetention>(),
            services.GetRequiredService<IAuditProgress>(),
            services.GetRequiredService<IAuditFindings>());
    }
}
