using System.Net;
using Npgsql;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>Databases that payouts cannot be kept in, or not now.</summary>
public sealed class UnusableDatabaseTests : IAsyncLifetime
{
    private const int UnusableDatabase = 3;

    private PostgresPeers _peers = null!;

    public async Task InitializeAsync() => _peers = await PostgresPeers.StartAsync();

    public async Task DisposeAsync() => await _peers.DisposeAsync();

    [Fact]
    public async Task A_host_does_not_start_on_another_encoding_than_utf_8()
    {
        var latin = await (await PostgresServer.GetAsync()).CreateDatabaseWithAsync("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
        using var host = HostProcess.Start(_peers, ("ConnectionStrings__Payouts", latin));

        Assert.Equal(UnusableDatabase, await host.WaitAsync());
        Assert.Equal("The database's encoding is LATIN1 and must be UTF8: make it anew with ENCODING 'UTF8'.", host.Errors);
    }

    [Fact]
    public async Task A_host_does_not_start_where_sessions_run_at_another_isolation_level()
    {
        using var host = HostProcess.Start(
            _peers, ("ConnectionStrings__Payouts", $"{_peers.ConnectionString};Options=-c default_transaction_isolation=serializable"));

        Assert.Equal(UnusableDatabase, await host.WaitAsync());
        Assert.StartsWith(
            "Sessions of the database run at isolation level serializable and must run at read committed:",
            host.Errors,
            StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_comes_later_and_cannot_be_used_ends_the_host()
    {
        var name = new NpgsqlConnectionStringBuilder(_peers.ConnectionString).Database + "_later";
        using var host = HostProcess.Start(
            _peers,
            ("ConnectionStrings__Payouts", new NpgsqlConnectionStringBuilder(_peers.ConnectionString) { Database = name }.ConnectionString));
        await host.UntilAsync(() => Task.FromResult(host.Output.Contains("will try again", StringComparison.Ordinal)));

        await Sql.ExecuteAsync(_peers.ConnectionString, $"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");

        Assert.Equal(UnusableDatabase, await host.WaitAsync());
        Assert.Matches("The host stops: .* encoding is LATIN1 and must be UTF8", host.Output);
    }

    [Fact]
    public async Task A_host_is_not_ready_while_its_database_is_read_only_and_ready_again_afterwards()
    {
        using var host = HostProcess.Start(_peers);
        using var http = new HttpClient();
        await host.UntilReadyAsync();
        var database = new NpgsqlConnectionStringBuilder(_peers.ConnectionString).Database;

        await Sql.ExecuteAsync(
            _peers.ConnectionString,
            $"""
            ALTER DATABASE {database} SET default_transaction_read_only = on;
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()
            """);
        await host.UntilAsync(async () =>
        {
            using var answer = await http.GetAsync(new Uri(host.ManagementUrl, "health/ready"));
            return answer.StatusCode == HttpStatusCode.ServiceUnavailable
                && (await answer.Content.ReadAsStringAsync()).Contains("\"read-only: a standby, or ", StringComparison.Ordinal);
        });

        await Sql.ExecuteAsync(
            $"{_peers.ConnectionString};Options=-c default_transaction_read_only=off",
            $"ALTER DATABASE {database} RESET default_transaction_read_only");
        await host.UntilReadyAsync();
    }
}
