using System.Diagnostics;
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
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"payouts_test_{Environment.ProcessId}_{Interlocked.Increment(ref _databases)}";
        await using var connection = new NpgsqlConnection(_connectionString);
        await connection.OpenAsync();
        foreach (var statement in (string[])[$"DROP DATABASE IF EXISTS {name} WITH (FORCE)", $"CREATE DATABASE {name}"])
        {
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync();
        }

        return new NpgsqlConnectionStringBuilder(_connectionString) { Database = name }.ConnectionString;
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

        return StartInstalled();
    }

    private static PostgresServer StartInstalled()
    {
        var binaries = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Order().LastOrDefault()
            : null;
        if (binaries is null || !File.Exists(Path.Combine(binaries, "initdb")))
        {
            throw new InvalidOperationException(
                $"No PostgreSQL for tests: install one (Debian: apt-get install postgresql), start Docker, or set {Variable} to a connection string.");
        }

        var home = Directory.CreateTempSubdirectory("payouts-postgres-").FullName;
        var data = Path.Combine(home, "data");
        if (Environment.UserName == "root")
            Run("chown", "postgres", home);
        RunAsPostgres(Path.Combine(binaries, "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C");

        var port = Ports.Free();
        var options = $"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300";
        RunAsPostgres(Path.Combine(binaries, "pg_ctl"), "-D", data, "-l", Path.Combine(home, "log"), "-w", "-o", options, "start");
        StopWithThisProcess(Path.Combine(binaries, "pg_ctl"), data, home);
        return new PostgresServer($"Host=127.0.0.1;Port={port};Username=postgres;Database=postgres");
    }

    /// <summary>Leaves nothing behind, however this process ends: test hosts are killed soon after their last test.</summary>
    private static void StopWithThisProcess(string control, string data, string home)
    {
        var asPostgres = Environment.UserName == "root" ? "runuser -u postgres -- " : "";
        Run(
            "setsid", "--fork", "/bin/sh", "-c",
            $"while kill -0 {Environment.ProcessId}; do sleep 1; done; {asPostgres}{control} -D {data} -m immediate stop; rm -rf {home}");
    }

    /// <summary>The server refuses to run as root.</summary>
    private static void RunAsPostgres(string program, params string[] arguments)
    {
        if (Environment.UserName == "root")
            Run("runuser", ["-u", "postgres", "--", program, .. arguments]);
        else
            Run(program, arguments);
    }

    private static void Run(string program, params string[] arguments)
    {
        // Output goes nowhere: a server that inherits a pipe would keep its reader waiting.
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = "/" };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("exec \"$@\" >/dev/null 2>&1 </dev/null");
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add(program);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }
}
