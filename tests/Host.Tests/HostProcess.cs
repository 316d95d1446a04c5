using System.Globalization;
using PayoutManager.Testing;
using PayoutManager.Woody;
using Thrift.Protocol;

namespace PayoutManager.Host.Tests;

/// <summary>The host as it runs in production: its own process, environment variables only, all peers elsewhere.</summary>
public sealed class HostProcess : IDisposable
{
    private readonly HttpClient _http = new(WoodyClient.CreateHandler());
    private readonly ChildProcess _process;
    private readonly int _managementPort;

    private readonly string _scheme;

    private HostProcess(ChildProcess process, string scheme, int thriftPort, int managementPort)
    {
        _process = process;
        _scheme = scheme;
        ThriftPort = thriftPort;
        _managementPort = managementPort;
    }

    /// <summary>The program, as it is deployed.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "published-host", "PayoutManager.Host.dll");

    public int ThriftPort { get; }

    public int Id => _process.Id;

    public Uri ThriftUrl => new($"{_scheme}://127.0.0.1:{ThriftPort}/payout/management");

    public Uri ManagementUrl => new($"http://127.0.0.1:{_managementPort}/");

    public string Output => _process.Output;

    /// <summary>What it says on its error output, where the log is not.</summary>
    public string Errors => _process.StandardError;

    public bool HasExited => _process.HasExited;

    public static HostProcess Start(PostgresPeers peers, params IReadOnlyList<(string Key, string Value)> changes) =>
        Start(peers, Uri.UriSchemeHttp, changes);

    /// <summary>Starts a host that serves Thrift over TLS.</summary>
    public static HostProcess StartWithTls(PostgresPeers peers, params IReadOnlyList<(string Key, string Value)> changes) =>
        Start(peers, Uri.UriSchemeHttps, changes);

    private static HostProcess Start(PostgresPeers peers, string scheme, IReadOnlyList<(string Key, string Value)> changes)
    {
        var (thriftPort, managementPort) = (Ports.Free(), Ports.Free());
        var environment = EnvironmentOf(
            peers,
            [
                ("Kestrel__Endpoints__Thrift__Url", $"{scheme}://127.0.0.1:{thriftPort}"),
                ("Kestrel__Endpoints__Management__Url", $"http://127.0.0.1:{managementPort}"),
                .. changes,
            ]);
        return new HostProcess(
            ChildProcess.Start("dotnet", [Program], environment),
            scheme,
            thriftPort,
            managementPort);
    }

    /// <summary>Waits until the host says that it is ready.</summary>
    public Task UntilReadyAsync() =>
        UntilAsync(async () => (await _http.GetAsync(new Uri(ManagementUrl, "health/ready"))).IsSuccessStatusCode);

    /// <summary>Waits until something is so, as long as the host lives.</summary>
    public async Task UntilAsync(Func<Task<bool>> isSo)
    {
        for (var i = 0; i < 2000; i++)
        {
            Assert.False(_process.HasExited, Output);
            try
            {
                if (await isSo())
                    return;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // Not listening yet, or too busy to accept in time.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(30), TimeProvider.System);
        }

        Assert.Fail(Output.Length > 20_000 ? Output[^20_000..] : Output);
    }

    /// <summary>Calls the host as a peer does.</summary>
    public Task<TResult> CallAsync<TResult>(string method, TBase args, TimeSpan? time = null)
        where TResult : TBase, new()
    {
        WoodyContext.Current = WoodyContext.NewRoot() with { Deadline = TimeProvider.System.GetUtcNow() + time };
        return new WoodyClient(_http, ThriftUrl, TimeSpan.FromSeconds(30), TimeProvider.System)
            .CallAsync<TResult>(method, args, CancellationToken.None);
    }

    /// <summary>What the process takes of the machine.</summary>
    public Footprint Measure()
    {
        var status = File.ReadLines($"/proc/{_process.Id}/status")
            .Select(line => line.Split(':', StringSplitOptions.TrimEntries))
            .ToDictionary(field => field[0], field => field[^1]);
        return new Footprint(
            Kilobytes("VmRSS"), Kilobytes("VmHWM"), Directory.GetFileSystemEntries($"/proc/{_process.Id}/fd").Length);

        long Kilobytes(string field) => long.Parse(status[field].Split(' ')[0], CultureInfo.InvariantCulture) << 10;
    }

    /// <summary>Lets the peak be measured from now on.</summary>
    public void ForgetPeak() => File.WriteAllText($"/proc/{_process.Id}/clear_refs", "5");

    public void Terminate() => _process.Terminate();

    /// <inheritdoc cref="ChildProcess.Signal"/>
    public void Signal(string name) => _process.Signal(name);

    /// <returns>The exit code.</returns>
    public Task<int> WaitAsync() => _process.WaitAsync();

    /// <summary>SIGKILL, where it still runs.</summary>
    public void Dispose()
    {
        _process.Dispose();
        _http.Dispose();
    }

    /// <summary>The configuration of a host that uses the peers, as variables, with changes to it.</summary>
    public static Dictionary<string, string> EnvironmentOf(PostgresPeers peers, IEnumerable<(string Key, string Value)> changes)
    {
        var environment = peers.Configuration.ToDictionary(c => c.Key.Replace(":", "__", StringComparison.Ordinal), c => c.Value);
        foreach (var (key, value) in changes)
            environment[key] = value;
        return environment;
    }
}

/// <summary>What a process takes of the machine.</summary>
/// <param name="Memory">Resident, in bytes.</param>
/// <param name="PeakMemory">The most that was.</param>
/// <param name="OpenFiles">Files and connections.</param>
public sealed record Footprint(long Memory, long PeakMemory, int OpenFiles);
