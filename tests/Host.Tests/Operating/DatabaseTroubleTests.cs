using System.Text.Json;
using Npgsql;
using PayoutManager.Testing;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>A database that its administrators work on while a host runs.</summary>
public sealed class DatabaseTroubleTests : IAsyncLifetime
{
    private static readonly string[] Loops = ["backlog", "recovery", "relay"];

    private readonly HttpClient _http = new();
    private InstalledPostgres _postgres = null!;
    private PostgresPeers _peers = null!;
    private HostProcess _host = null!;
    private HostRole _role = null!;
    private int _calls;

    public async Task InitializeAsync()
    {
        _postgres = await InstalledPostgres.StartAsync();
        _peers = await PostgresPeers.StartAsync(_postgres, await BrokerProcess.StartAsync());
        _role = await HostRole.CreateAsync(_postgres, _peers.ConnectionString);
        await LetInAsync("scram-sha-256");
        _host = HostProcess.Start(_peers, ("ConnectionStrings__Payouts", _role.ConnectionString));
        await _host.UntilReadyAsync();
    }

    public async Task DisposeAsync()
    {
        _host.Dispose();
        await _peers.DisposeAsync();
        _http.Dispose();
    }

    /// <summary>One host for all of it: what one leaves behind must not show in the next.</summary>
    [Fact]
    public async Task A_host_survives_whatever_is_done_to_its_database_says_so_and_works_again_afterwards()
    {
        // Statements are cancelled.
        await DuringAsync(
            "57014: canceling statement due to user request",
            LockTablesAsync,
            _role.CancelStatementsAsync);
        // Statements run out of time.
        await DuringAsync("55P03: canceling statement due to lock timeout", LockTablesAsync, () => Task.CompletedTask);
        // The password is another.
        await DuringAsync(
            "28P01",
            ThenEndSessionsAsync($"ALTER ROLE {HostRole.Name} PASSWORD 'changed'"),
            () => Task.CompletedTask,
            restore: () => _role.AdministrateAsync($"ALTER ROLE {HostRole.Name} PASSWORD '{HostRole.Password}'"));
        // A right is revoked.
        await DuringAsync(
            "42501: permission denied for table ",
            ThenEndSessionsAsync($"REVOKE ALL ON ALL TABLES IN SCHEMA pm FROM {HostRole.Name}", _role.Database),
            () => Task.CompletedTask,
            restore: () => _role.AdministrateAsync($"GRANT ALL ON ALL TABLES IN SCHEMA pm TO {HostRole.Name}", _role.Database));
        // The database has another name.
        await DuringAsync(
            "3D000",
            async () =>
            {
                await RenameAsync(_role.Database, "elsewhere");
                return null;
            },
            () => Task.CompletedTask,
            restore: () => RenameAsync("elsewhere", _role.Database));
        // The server lets nobody in.
        await DuringAsync(
            "28000",
            async () =>
            {
                await LetInAsync("reject");
                await _role.EndSessionsAsync();
                return null;
            },
            () => Task.CompletedTask,
            restore: () => LetInAsync("scram-sha-256"));

        _host.Terminate();
        Assert.Equal(0, await _host.WaitAsync());
        Assert.DoesNotContain("   at ", _host.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(HostRole.Password, _host.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(HostRole.Name, _host.Output, StringComparison.Ordinal);
    }

    /// <summary>Makes trouble, waits until every loop that needs the database says so, ends it, and waits until all is well.</summary>
    private async Task DuringAsync(string reason, Func<Task<IAsyncDisposable?>> begin, Func<Task> goOn, Func<Task>? restore = null)
    {
        await using (await begin())
        {
            HashSet<string> measured = [];
            HashSet<string> named = [];
            await _host.UntilAsync(async () =>
            {
                await goOn();
                var metrics = await Metrics.ReadAsync(_http, _host.ManagementUrl);
                measured.UnionWith(Loops.Where(loop => metrics.Sum("payouts_loop_failing", ("loop", loop)) > 0));
                using var ready = await _http.GetAsync(new Uri(_host.ManagementUrl, "health/ready"));
                using var body = JsonDocument.Parse(await ready.Content.ReadAsStringAsync());
                var failures = body.RootElement.GetProperty("background").GetString()!.Split("; ");
                named.UnionWith(Loops.Where(loop => failures.Any(failure =>
                    failure.StartsWith($"{loop} fails since ", StringComparison.Ordinal) && failure.Contains(reason, StringComparison.Ordinal))));
                return measured.IsSupersetOf(Loops) && named.IsSupersetOf(Loops);
            });
        }

        await (restore?.Invoke() ?? Task.CompletedTask);
        await _host.UntilAsync(async () =>
            (await Metrics.ReadAsync(_http, _host.ManagementUrl)).Sum("payouts_loop_failing").Equals(0));
        await _host.UntilReadyAsync();
        var id = $"p{++_calls}";
        Assert.Equal(
            id, (await _host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs(id, 100_000))).Success?.PayoutId);
    }

    private async Task<IAsyncDisposable?> LockTablesAsync() => await _role.LockTablesAsync();

    private Func<Task<IAsyncDisposable?>> ThenEndSessionsAsync(string sql, string database = "postgres") => async () =>
    {
        await _role.AdministrateAsync(sql, database);
        await _role.EndSessionsAsync();
        return null;
    };

    private async Task RenameAsync(string from, string to)
    {
        await _role.AdministrateAsync($"ALTER DATABASE {from} ALLOW_CONNECTIONS false");
        NpgsqlConnection.ClearAllPools();
        await _role.AdministrateAsync(
            $"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{from}'");
        await _role.AdministrateAsync($"ALTER DATABASE {from} RENAME TO {to}");
        await _role.AdministrateAsync($"ALTER DATABASE {to} ALLOW_CONNECTIONS true");
    }

    /// <summary>How the server treats the host's role; the superuser always comes in.</summary>
    private async Task LetInAsync(string method)
    {
        await _role.AdministrateAsync(
            $"""
            DO $do$ BEGIN EXECUTE format(
                'COPY (VALUES (%L), (%L)) TO %L',
                'host all {HostRole.Name} all {method}', 'host all postgres all trust', current_setting('hba_file')); END $do$
            """);
        await _role.AdministrateAsync("SELECT pg_reload_conf()");
    }
}
