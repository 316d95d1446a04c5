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
/// Holds the in-memory store, on which the simulation and the application's tests run, to the real ones: random calls get the same
/// answers from both.
/// </summary>
/// <remarks>
/// Each run has other scripts. A failure says its seed; with the environment variable CsCheck_Seed set to it the test begins with the
/// same script again. CsCheck_Iter sets how many hundredths of the usual number of scripts are run.
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
        var host = await OpenAsync(new StorageOptions { Provider = StorageProvider.Sqlite, ConnectionString = connectionString }) with
        {
            // Its clock shows milliseconds.
            LetClockMoveAsync = () => Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System),
        };
        await using var connection = new SqliteConnection(connectionString);
        await connection.OpenAsync();

        await SampleAsync(Sequence, [host], isOrdered: true, async () =>
        {
            await using var command = connection.CreateCommand();
            command.CommandText =
                """
                DELETE FROM payout; DELETE FROM cash_flow_posting; DELETE FROM payout_operation; DELETE FROM payout_event;
                UPDATE relay_lease SET owner = NULL, lease_until = NULL
                """;
            await command.ExecuteNonQueryAsync();
        });
    }

    [Fact]
    public async Task Calls_one_after_another_are_answered_by_postgres_as_by_the_model()
    {
        var connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        var host = await OpenAsync(new StorageOptions { ConnectionString = connectionString });
        await using var source = NpgsqlDataSource.Create(connectionString);

        await SampleAsync(Sequence, [host], isOrdered: true, () => ClearAsync(source));
    }

    /// <summary>A site may have made another isolation the default of its databases.</summary>
    [Theory]
    [InlineData("read committed")]
    [InlineData("repeatable read")]
    [InlineData("serializable")]
    public async Task Calls_at_the_same_time_are_answered_by_postgres_as_in_some_order_by_the_model(string defaultIsolation)
    {
        var database = new NpgsqlConnectionStringBuilder(await (await PostgresServer.GetAsync()).CreateDatabaseAsync());
        await Sql.ExecuteAsync(
            database.ConnectionString, $"ALTER DATABASE {database.Database} SET default_transaction_isolation = '{defaultIsolation}'");
        // A session's own options win over its database's defaults, and the last of them over those before.
        database.Options = $"-c default_transaction_isolation={defaultIsolation.Replace(" ", "\\ ", StringComparison.Ordinal)}";
        Stores[] hosts =
        [
            await OpenAsync(new StorageOptions { ConnectionString = database.ConnectionString }),
            await OpenAsync(new StorageOptions { ConnectionString = database.ConnectionString }),
        ];
        Assert.All(await Task.WhenAll(_services.Select(services =>
            services.GetRequiredService<NpgsqlDataSource>().QueryAsync("SHOW transaction_isolation"))), shown => Assert.Equal([defaultIsolation], shown));
        await using var source = NpgsqlDataSource.Create(database.ConnectionString);
        // Whoever has changed an operation's row keeps others waiting for it a little, which is when calls get into each other's way.
        await Sql.ExecuteAsync(
            database.ConnectionString,
            """
            CREATE FUNCTION pm.dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(random() * 0.003); RETURN NULL; END';
            CREATE TRIGGER dawdle AFTER INSERT OR UPDATE OR DELETE ON pm.payout_operation FOR EACH ROW EXECUTE FUNCTION pm.dawdle();
            """);

        await SampleAsync(Crowds, hosts, isOrdered: false, () => ClearAsync(source));
    }

    private static Gen<Step[][]> Sequence { get; } = Steps.InSequence.Array[1].Array[1, 60];

    private static Gen<Step[][]> Crowds { get; } = Gen.Frequency((3, Gen.Const(1)), (2, Gen.Const(2)), (2, Gen.Const(3)), (1, Gen.Const(4)))
        .SelectMany(size => Steps.AtOnce.Array[size])
        .Array[1, 15];

    private static async Task SampleAsync(Gen<Step[][]> scripts, Stores[] hosts, bool isOrdered, Func<Task> clearAsync)
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
                iter: 2 * Check.Iter,
                threads: 1,
                print: script => $"{script.Sum(group => group.Length)} calls");
        }
        catch (CsCheckException e)
        {
            await LeaveOutAsync();
            throw new XunitException($"{e.Message}\n{report}");
        }

        // CsCheck finds shorter scripts by chance; what is still needless in the shortest goes here, call by call.
        async Task LeaveOutAsync()
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
            // Calls at the same time may happen to get out of each other's way.
            for (var chance = isOrdered ? 1 : 5; chance > 0; chance--)
            {
                if (await RunAsync(script) is { } disagreement)
                    return disagreement;
            }

            return null;
        }

        async Task<string?> RunAsync(Step[][] script)
        {
            await clearAsync();
            foreach (var host in hosts)
                host.EventIds.Clear();
            return await new Script(hosts, isOrdered).RunAsync(script);
        }
    }

    private static async Task ClearAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand(
            """
            DELETE FROM pm.payout; DELETE FROM pm.cash_flow_posting; DELETE FROM pm.payout_operation; DELETE FROM pm.payout_event;
            UPDATE pm.relay_lease SET owner = NULL, lease_until = NULL
            """);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<Stores> OpenAsync(StorageOptions options)
    {
        var services = new ServiceCollection().AddStorage(options).BuildServiceProvider();
        _services.Add(services);
        await services.GetRequiredService<DatabaseMigrator>().MigrateAsync(default);
        return new Stores(
            services.GetRequiredService<IPayoutStore>(),
            services.GetRequiredService<IOperationStore>(),
            services.GetRequiredService<IEventOutbox>(),
            services.GetRequiredService<IPayoutHistory>());
    }
}
