using System.Globalization;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Npgsql;
using PayoutManager.Testing;

namespace PayoutManager.Bench.Stand;

/// <summary>The real parts, each a process of its own: PostgreSQL, a broker, the sandbox; and what is measured on them.</summary>
internal sealed partial class TestStand : IAsyncDisposable
{
    private readonly HugePages? _hugePages;
    private readonly InstalledPostgres _postgres;
    private readonly BrokerProcess _broker;
    private readonly Uri _sandboxUrl;
    private readonly HttpClient _http = new();

    private TestStand(HugePages? hugePages, InstalledPostgres postgres, BrokerProcess broker, Measured sandbox, Uri sandboxUrl)
    {
        _hugePages = hugePages;
        _postgres = postgres;
        _broker = broker;
        _sandboxUrl = sandboxUrl;
        Sandbox = sandbox;
        Database = Measured.Existing(postgres.ProcessId);
    }

    public Measured Database { get; }

    public Measured Sandbox { get; }

    public InstalledPostgres Postgres => _postgres;

    public string BootstrapServers => _broker.BootstrapServers;

    /// <summary>For tables of any size: PostgreSQL has the share of memory that its manual starts from.</summary>
    public static Task<TestStand> StartAsync()
    {
        var buffers = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 >> 20;
        // PostgreSQL shares somewhat more between its processes than the buffers.
        return StartAsync(buffers, new HugePages((buffers + buffers / 16) << 20));
    }

    /// <summary>For few payouts: it takes little of the machine, and changes nothing in it.</summary>
    public static Task<TestStand> StartSmallAsync() => StartAsync(buffers: 128, hugePages: null);

    /// <summary>An empty database.</summary>
    public Task<string> CreateDatabaseAsync() => PostgresServer.CreateDatabaseAsync(_postgres.ConnectionString);

    /// <summary>Starts a host, as it is deployed.</summary>
    public async Task<Subject> StartHostAsync(string connectionString, params IEnumerable<(string Key, string Value)> changes)
    {
        var (thrift, management) = (Ports.Free(), Ports.Free());
        var environment = new Dictionary<string, string>
        {
            ["ConnectionStrings__Payouts"] = connectionString,
            ["PartyManagement__Url"] = new Uri(_sandboxUrl, "v1/processing/partymgmt").ToString(),
            ["Shumway__Url"] = new Uri(_sandboxUrl, "shumpune").ToString(),
            ["Kafka__BootstrapServers"] = _broker.BootstrapServers,
            ["Kestrel__Endpoints__Thrift__Url"] = $"http://127.0.0.1:{thrift}",
            ["Kestrel__Endpoints__Management__Url"] = $"http://127.0.0.1:{management}",
        };
        foreach (var (key, value) in changes)
            environment[key] = value;
        var managementUrl = new Uri($"http://127.0.0.1:{management}/");
        var process = await Measured.StartAsync(
            "host/PayoutManager.Host.dll", [], environment, readyUrl: new Uri(managementUrl, "health/ready"));
        return new Subject("host", process, new Uri($"http://127.0.0.1:{thrift}/payout/management"), managementUrl, connectionString);
    }

    /// <summary>Starts the floor on a database that a host has made the tables in.</summary>
    /// <param name="connectionString">The database.</param>
    /// <param name="pool">How many connections there are for creates to hold during remote calls; 0 to hold none.</param>
    public async Task<Subject> StartFloorAsync(string connectionString, int pool = 0)
    {
        var url = new Uri($"http://127.0.0.1:{Ports.Free()}/payout/management");
        var process = await Measured.StartAsync(
            "floor/PayoutManager.Floor.dll",
            [
                url.GetLeftPart(UriPartial.Authority),
                connectionString,
                new Uri(_sandboxUrl, "v1/processing/partymgmt").ToString(),
                new Uri(_sandboxUrl, "shumpune").ToString(),
                $"{pool}",
            ],
            ready: FloorIsUp());
        return new Subject("floor", process, url, null, connectionString);
    }

    /// <summary>Starts a host and the floor, each on a database of its own.</summary>
    public async Task<(Subject Host, Subject Floor)> StartPairAsync()
    {
        var floors = await CreateDatabaseAsync();
        using (await StartHostAsync(floors))
        {
            // Makes the tables.
        }

        return (await StartHostAsync(await CreateDatabaseAsync()), await StartFloorAsync(floors));
    }

    /// <summary>How many bytes a program has allocated so far.</summary>
    public async Task<double> AllocatedAsync(Subject subject) => subject.ManagementUrl is null
        ? double.Parse(await _http.GetStringAsync(new Uri(subject.Url, "/allocated")), CultureInfo.InvariantCulture)
        : Metrics.Sum(await Metrics.ReadAsync(subject), "dotnet_gc_heap_total_allocated_bytes_total");

    /// <summary>Lets every call to a dependency take a time from now on.</summary>
    public async Task SetUpstreamLatencyAsync(TimeSpan latency) =>
        (await _http.PutAsJsonAsync(new Uri(_sandboxUrl, "faults"), new { latency })).EnsureSuccessStatusCode();

    /// <summary>Runs a statement.</summary>
    public static async Task<object?> ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return await command.ExecuteScalarAsync();
    }

    public ValueTask DisposeAsync()
    {
        Sandbox.Dispose();
        _broker.Dispose();
        _http.Dispose();
        _hugePages?.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <param name="buffers">PostgreSQL's, in MiB.</param>
    /// <param name="hugePages">Which it can use, given back at the end.</param>
    private static async Task<TestStand> StartAsync(long buffers, HugePages? hugePages)
    {
        var url = new Uri($"http://127.0.0.1:{Ports.Free()}/");
        return new TestStand(
            hugePages,
            await InstalledPostgres.StartAsync($"-c fsync=on -c shared_buffers={buffers}MB -c max_wal_size=8GB -c shared_preload_libraries=pg_stat_statements"),
            await BrokerProcess.StartAsync(),
            await Measured.StartAsync("sandbox/PayoutManager.Sandbox.dll", [url.ToString()], ready: SandboxIsUp()),
            url);
    }

    [GeneratedRegex("The sandbox is up")]
    private static partial Regex SandboxIsUp();

    [GeneratedRegex("Up at")]
    private static partial Regex FloorIsUp();
}

/// <summary>A program that serves payouts, under measurement.</summary>
/// <param name="Name">Its name in tables.</param>
/// <param name="Process">What it takes of the machine.</param>
/// <param name="Url">Where it serves.</param>
/// <param name="ManagementUrl">Where a host is asked about itself.</param>
/// <param name="ConnectionString">Its database.</param>
internal sealed record Subject(string Name, Measured Process, Uri Url, Uri? ManagementUrl, string ConnectionString) : IDisposable
{
    public void Dispose() => Process.Dispose();
}
