using Npgsql;
using Testcontainers.PostgreSql;

namespace PayoutManager.Testing;

/// <summary>
/// A PostgreSQL for tests, one for each test process: the one that PAYOUTS_TEST_POSTGRES names, else a container where an
/// engine answers, else the installed server's binaries. Without any of them tests fail; they are never skipped.
/// </summary>
public sealed class PostgresServer
{
    private const string Variable = "PAYOUTS_TEST_POSTGRES";

    private static readonly Lazy<Task<PostgresServer>> Shared = new(StartAsync);
    private static int _databases;

    private readonly string _connectionString;

    private PostgresServer(string connectionString) => _connectionString = connectionString;

    /// <summary>The server of this test process.</summary>
    public static Task<PostgresServer> GetAsync() => Shared.Value;

    /// <summary>An empty database of the caller's own.</summary>
    public Task<string> CreateDatabaseAsync() => CreateDatabaseAsync(_connectionString);

    /// <summary>An empty database of the caller's own, made with options of CREATE DATABASE.</summary>
    public Task<string> CreateDatabaseWithAsync(string options) => CreateDatabaseOnAsync(_connectionString, options);

    /// <summary>An empty database of the caller's own on any server.</summary>
    public static Task<string> CreateDatabaseAsync(string connectionString) => CreateDatabaseOnAsync(connectionString, options: "");

    private static async Task<string> CreateDatabaseOnAsync(string connectionString, string options)
    {
        var name = $"payouts_test_{Environment.ProcessId}_{Interlocked.Increment(ref _databases)}";
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        foreach (var statement in (string[])[$"DROP DATABASE IF EXISTS {name} WITH (FORCE)", $"CREATE DATABASE {name} {options}"])
        {
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync();
        }

        return new NpgsqlConnectionStringBuilder(connectionString) { Database = name }.ConnectionString;
    }

    private static async Task<PostgresServer> StartAsync()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } configured)
            return new PostgresServer(configured);
        if (File.Exists("/var/run/docker.sock"))
        {
            var container = new PostgreSqlBuilder("postgres:17-alpine").Build();
            await container.StartAsync();
            return new PostgresServer(container.GetConnectionString());
        }

        try
        {
            return new PostgresServer((await InstalledPostgres.StartAsync()).ConnectionString);
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidOperationException($"{e.Message} Or start Docker, or set {Variable} to a connection string.", e);
        }
    }
}
