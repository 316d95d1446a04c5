using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>A fresh database, migrated and used by one process, under connection strings that are out of the ordinary.</summary>
public sealed class ConnectionStringTests
{
    private static readonly Lazy<Task<InstalledPostgres>> ReadOnlyServer =
        new(() => InstalledPostgres.StartAsync("-c fsync=off -c default_transaction_read_only=on"));

    [Fact]
    public async Task One_connection_is_enough() => await CheckAsync(await CreateAsync(c => c.MaxPoolSize = 1));

    [Fact]
    public async Task Without_a_pool_every_statement_has_a_connection_of_its_own() => await CheckAsync(await CreateAsync(c => c.Pooling = false));

    [Fact]
    public async Task Of_two_hosts_the_one_that_lives_is_used() => await CheckAsync(await CreateAsync(c => c.Host = $"127.0.0.1:{Ports.Free()},{c.Host}:{c.Port}"));

    [Fact]
    public async Task Of_two_hosts_the_one_that_takes_writes_is_used()
    {
        var connection = await CreateAsync(_ => { });
        var standby = new NpgsqlConnectionStringBuilder((await ReadOnlyServer.Value).ConnectionString);
        await Sql.ExecuteAsync($"{standby};Options=-c default_transaction_read_only=off", $"CREATE DATABASE {connection.Database}");
        connection.Host = $"{standby.Host}:{standby.Port},{connection.Host}:{connection.Port}";

        await CheckAsync(connection);
    }

    [Fact]
    public async Task Whatever_sessions_are_wanted_is_what_is_connected_to()
    {
        var connection = await CreateAsync(_ => { });
        var standby = new NpgsqlConnectionStringBuilder((await ReadOnlyServer.Value).ConnectionString);
        await Sql.ExecuteAsync($"{standby};Options=-c default_transaction_read_only=off", $"CREATE DATABASE {connection.Database}");
        connection.Host = $"{connection.Host}:{connection.Port},{standby.Host}:{standby.Port}";
        connection.TargetSessionAttributes = "read-only";
        await using var host = new StorageHost(connection.ConnectionString, new InMemoryLedger());

        Assert.Equal(
            "read-only: a standby, or default_transaction_read_only is on",
            await host.Services.GetRequiredService<DatabaseMigrator>().FindFaultAsync(CancellationToken.None));
    }

    private static async Task<NpgsqlConnectionStringBuilder> CreateAsync(Action<NpgsqlConnectionStringBuilder> change)
    {
        var connection = new NpgsqlConnectionStringBuilder(await (await PostgresServer.GetAsync()).CreateDatabaseAsync());
        change(connection);
        return connection;
    }

    private static async Task CheckAsync(NpgsqlConnectionStringBuilder connection)
    {
        await using var host = new StorageHost(connection.ConnectionString, new InMemoryLedger());
        var migrator = host.Services.GetRequiredService<DatabaseMigrator>();
        await migrator.MigrateAsync(CancellationToken.None);

        Assert.Null(await migrator.FindFaultAsync(CancellationToken.None));
        await Task.WhenAll(Enumerable.Range(0, 10).Select(n => host.CreateAsync($"p{n}")));
        await host.ConfirmAsync("p7");
        Assert.Equal(PayoutStatus.Confirmed, (await host.GetAsync("p7")).Status);
        Assert.Equal(PayoutStatus.Unpaid, (await host.GetAsync("p8")).Status);
    }
}
