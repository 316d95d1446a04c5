using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using PayoutManager.Sandbox.Faults;
using PayoutManager.Testing;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol.Entities;
using Xunit.Abstractions;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>Whatever comes over the wire: no crash, no leak, little memory, and no answer but the table's.</summary>
public sealed class HostileInputTests : IAsyncLifetime
{
    // As long as is wanted by hand; in every run of the tests a while, always with the same seeds.
    private static readonly TimeSpan FuzzingTime = TimeSpan.FromSeconds(
        int.Parse(Environment.GetEnvironmentVariable("PAYOUTS_FUZZ_SECONDS") ?? "15", CultureInfo.InvariantCulture));

    private static readonly int FirstSeed = int.Parse(
        Environment.GetEnvironmentVariable("PAYOUTS_FUZZ_SEED") ?? "1", CultureInfo.InvariantCulture);

    private const long MiB = 1 << 20;

    private readonly SocketsHttpHandler _connections = WoodyClient.CreateHandler();
    private readonly HttpClient _http;
    private readonly ITestOutputHelper _output;
    private PostgresPeers _peers = null!;

    public HostileInputTests(ITestOutputHelper output)
    {
        _output = output;
        // What is idle is closed soon, so that what stays open is the host's doing.
        _connections.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(1);
        _http = new HttpClient(_connections) { Timeout = TimeSpan.FromSeconds(60) };
    }

    public async Task InitializeAsync() => _peers = await PostgresPeers.StartAsync();

    public async Task DisposeAsync()
    {
        await _peers.DisposeAsync();
        _http.Dispose();
    }

    [Fact]
    public async Task Bytes_and_headers_of_every_kind_are_answered_by_the_table_and_leave_nothing_behind()
    {
        using var host = HostProcess.Start(_peers);
        var idle = await WarmUpAsync(host);
        host.ForgetPeak();
        using var end = new CancellationTokenSource(FuzzingTime);
        var fuzzers = Enumerable.Range(FirstSeed, 4).Select(seed => new Fuzzer(seed, _http, host.ThriftUrl)).ToList();

        await Task.WhenAll(fuzzers.Select(fuzzer => Task.Run(() => fuzzer.RunAsync(end.Token))));

        await CheckNothingIsLeftAsync(host, idle);
        var answers = fuzzers.SelectMany(f => f.Answers).GroupBy(a => (int)a.Key, a => a.Value).OrderBy(a => a.Key);
        Assert.Contains(200, answers.Select(a => a.Key));
        Assert.Contains(400, answers.Select(a => a.Key));
        Report.Write(
            _output,
            $"Fuzzing: {fuzzers.Sum(f => f.Requests)} requests in {FuzzingTime.TotalSeconds} s, answered "
            + $"{string.Join(", ", answers.Select(a => $"{a.Key} {a.Sum()} times"))}; memory at most {Over(host, idle)} MiB over idle.");
    }

    [Fact]
    public async Task Slow_endless_and_oversized_requests_cost_others_nothing_and_this_host_little()
    {
        using var host = HostProcess.Start(_peers);
        var idle = await WarmUpAsync(host);
        host.ForgetPeak();

        var held = new List<TcpClient>();
        // Headers that never end, bodies that never end, and bodies of which only a part comes.
        for (var n = 0; n < 100; n++)
        {
            held.Add(await OpenAsync(host, "POST /payout/management HTTP/1.1\r\nHost: x\r\nX-Slow: "));
            held.Add(await OpenAsync(host, $"{PostHeaders}Content-Length: 1000000\r\n\r\n{new string('x', 900_000)}", wait: false));
            held.Add(await OpenAsync(host, $"{PostHeaders}Transfer-Encoding: chunked\r\n\r\n40\r\n{new string('x', 0x40)}"));
        }

        var large = Enumerable.Range(0, 64).Select(_ => PostAsync(host, Message(new string('x', 900_000)))).ToList();
        var oversized = Enumerable.Range(0, 16).Select(_ => PostAsync(host, new byte[3 * MiB])).ToList();
        for (var n = 0; n < 20; n++)
            Assert.Equal(HttpStatusCode.OK, await PostAsync(host, Message("gone")));

        Assert.All(await Task.WhenAll(large), status => Assert.Contains(status, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable]));
        Assert.All(await Task.WhenAll(oversized), status => Assert.Equal(HttpStatusCode.BadRequest, status));
        foreach (var client in held)
            client.Dispose();
        await CheckNothingIsLeftAsync(host, idle);
        Report.Write(
            _output,
            $"Slow and oversized: 300 connections held, 64 bodies of 0.9 MiB and 16 of 3 MiB at once; memory at most {Over(host, idle)} MiB over idle.");
    }

    [Fact]
    public async Task Calls_beyond_the_limit_are_answered_503_at_once()
    {
        using var host = HostProcess.Start(_peers, ("Thrift__MaxConcurrentCalls", "2"));
        await host.UntilReadyAsync();
        _peers.Sandbox.Faults.Settings = new FaultSettings { Rate = 1, Kinds = [Fault.Unavailable] };
        var inside = Enumerable.Range(0, 2)
            .Select(n => host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs($"inside-{n}", 100_000)))
            .ToList();
        await host.UntilAsync(async () =>
            (await Metrics.ReadAsync(_http, host.ManagementUrl)).Sum("thrift_server_calls_active", ("service", "PayoutManagement")) == 2);

        var outside = await Assert.ThrowsAsync<WoodyCallException>(() => host.CallAsync<Calls.GetPayout_result>(
            "GetPayout", new Calls.GetPayout_args { PayoutId = "x" }));

        Assert.Equal(WoodyOutcome.NotDone, outside.Outcome);
        Assert.EndsWith("(Resource Unavailable: too many calls are being served)", outside.Message, StringComparison.Ordinal);
        _peers.Sandbox.Faults.Settings = new FaultSettings();
        Assert.All(await Task.WhenAll(inside), created => Assert.StartsWith("inside-", created.Success!.PayoutId, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Connections_beyond_the_limit_are_closed_and_operators_are_not_shut_out()
    {
        using var host = HostProcess.Start(_peers, ("Thrift__MaxConnections", "3"));
        await host.UntilReadyAsync();
        var (held, ends) = (new List<TcpClient>(), new List<Task<int>>());
        for (var n = 0; n < 4; n++)
        {
            try
            {
                held.Add(await OpenAsync(host, "POST /payout/management HTTP/1.1\r\n", wait: false));
                ends.Add(ReadAsync(held[^1]));
            }
            catch (SocketException)
            {
                // Closed before this side has seen it opened.
                ends.Add(Task.FromResult(0));
            }
        }

        // Whichever of them was the last to be seen.
        Assert.Equal(0, await await Task.WhenAny(ends));
        Assert.Equal(1, ends.Count(end => end.IsCompleted));
        using (var ready = await _http.GetAsync(new Uri(host.ManagementUrl, "health/ready")))
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);

        foreach (var client in held)
            client.Dispose();
        await host.UntilAsync(async () => await PostAsync(host, Message("gone")) == HttpStatusCode.OK);
    }

    private static string PostHeaders =>
        "POST /payout/management HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-thrift\r\n";

    /// <summary>Lets everything be compiled and pooled that ordinary work needs.</summary>
    /// <returns>What the host then takes.</returns>
    private async Task<Footprint> WarmUpAsync(HostProcess host)
    {
        await host.UntilReadyAsync();
        for (var n = 0; n < 300; n++)
        {
            await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs($"warm-{n}", 100));
            await PostAsync(host, Message("gone"));
        }

        return host.Measure();
    }

    private async Task CheckNothingIsLeftAsync(HostProcess host, Footprint idle)
    {
        var errors = host.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.GetProperty("LogLevel").GetString() is "Error" or "Critical");
        Assert.Empty(errors);
        // 40 to 92 MiB by machine, most of it what the compiler and the collector keep of many new paths at once.
        Assert.True(Over(host, idle) <= 128, $"{Over(host, idle)} MiB over idle");
        await host.UntilAsync(async () =>
            (await Metrics.ReadAsync(_http, host.ManagementUrl)).Sum("thrift_server_calls_active", ("service", "PayoutManagement")) == 0);
        await host.UntilAsync(() => Task.FromResult(host.Measure().OpenFiles <= idle.OpenFiles + 10));
        Assert.Equal(HttpStatusCode.OK, await PostAsync(host, Message("gone")));
    }

    private static long Over(HostProcess host, Footprint idle) => (host.Measure().PeakMemory - idle.Memory) / MiB;

    private static byte[] Message(string payoutId) => ThriftMessage.Serialize(
        new TMessage("GetPayout", TMessageType.Call, 1), new Calls.GetPayout_args { PayoutId = payoutId });

    private async Task<HttpStatusCode> PostAsync(HostProcess host, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-thrift");
        using var answer = await _http.PostAsync(host.ThriftUrl, content);
        return answer.StatusCode;
    }

    private static async Task<TcpClient> OpenAsync(HostProcess host, string text, bool wait = true)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, host.ThriftPort);
        var sent = client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text)).AsTask();
        if (wait)
            await sent;
        return client;
    }

    /// <summary>How much comes until the connection is closed.</summary>
    private static async Task<int> ReadAsync(TcpClient client)
    {
        try
        {
            return await client.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
