using Npgsql;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>A role of a server's own that owns a database, so that administrators can treat hosts as they would.</summary>
/// <param name="postgres">The server.</param>
/// <param name="superuser">The database, as the server's superuser.</param>
internal sealed class HostRole(InstalledPostgres postgres, string superuser)
{
    public const string Name = "payouts_host";
    public const string Password = "secret";

    public string Database { get; } = new NpgsqlConnectionStringBuilder(superuser).Database!;

    /// <summary>The database, as this role.</summary>
    public string ConnectionString =>
        new NpgsqlConnectionStringBuilder(superuser) { Username = Name, Password = Password }.ConnectionString;

    public static async Task<HostRole> CreateAsync(InstalledPostgres postgres, string superuser)
    {
        var role = new HostRole(postgres, superuser);
        await role.AdministrateAsync($"CREATE ROLE {Name} LOGIN PASSWORD '{Password}'; ALTER DATABASE {role.Database} OWNER TO {Name}");
        return role;
    }

    /// <summary>Runs statements as the superuser.</summary>
    public Task AdministrateAsync(string sql, string database = "postgres") => Sql.ExecuteAsync(
        new NpgsqlConnectionStringBuilder(postgres.ConnectionString) { Database = database }.ConnectionString, sql);

    /// <summary>Runs statements as the superuser in the role's database.</summary>
    public Task AdministrateInsideAsync(string sql) => AdministrateAsync(sql, Database);

    public Task EndSessionsAsync() =>
        AdministrateAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{Name}'");

    public Task CancelStatementsAsync() =>
        AdministrateAsync($"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = '{Name}' AND state = 'active'");

    /// <summary>Holds locks until what it gives is disposed of.</summary>
    public async Task<IAsyncDisposable> LockAsync(string sql)
    {
        var connection = new NpgsqlConnection(superuser);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"BEGIN; {sql}", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    /// <summary>Tables that every background statement needs.</summary>
    public Task<IAsyncDisposable> LockTablesAsync() =>
        LockAsync("LOCK TABLE pm.payout_operation, pm.event_outbox, pm.relay_lane, pm.relay_host IN ACCESS EXCLUSIVE MODE");
}
