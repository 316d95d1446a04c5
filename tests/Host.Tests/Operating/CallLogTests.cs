using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using PayoutManager.Sandbox.Faults;
using PayoutManager.Testing;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>Who and in which trace: what the log says of calls.</summary>
public sealed class CallLogTests(CallLogTests.LoggedHost logged) : IClassFixture<CallLogTests.LoggedHost>
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Span = "00f067aa0ba902b7";

    private static readonly (string, string)[] Ivan =
        [("woody.meta.user-identity.id", "42"), ("woody.meta.user-identity.username", "ivan")];

    [Fact]
    public async Task A_line_has_the_caller_s_w3c_trace_and_its_user()
    {
        var line = await CallAsync("traced", [("traceparent", $"00-{Trace}-{Span}-01"), ("woody.trace-id", "outside"), .. Ivan]);

        Assert.Equal(
            ("GetPayout", "traced", "id=42 username=ivan", "200", "NotFound", "outside"),
            (line.State["Method"], line.State["PayoutId"], line.State["Actor"], line.State["Status"], line.State["Outcome"], line.State["WoodyTraceId"]));
        Assert.Equal(
            (Trace, "id=42 username=ivan", "traced"),
            (line.Scope["TraceId"], line.Scope["Actor"], line.Scope["PayoutId"]));
        // A span of the service's own.
        Assert.Matches("^[0-9a-f]{16}$", line.Scope["SpanId"]);
        Assert.NotEqual(Span, line.Scope["SpanId"]);
    }

    /// <summary>The same call has the same trace in every log, also in those of hosts that know woody's ids alone.</summary>
    [Theory]
    // With leading zeroes, as W3C's specification says of shorter ids.
    [InlineData("00f067aa0ba902b7", "a1", "000000000000000000f067aa0ba902b7", "00000000000000a1")]
    [InlineData("1234567890123456789", "0A1B", "00000000000001234567890123456789", "0000000000000a1b")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e4736", "b7", "4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000b7")]
    // The beginnings of what `printf %s CmmUBwgAAAA | sha256sum` prints, and so for the others.
    [InlineData("CmmUBwgAAAA", "undefined", "111f3ae006a2b3763559ab12af7c1723", "eb045d78d2731073")]
    [InlineData("0", "4bf92f3577b34da6a", "5feceb66ffc86f38d952786c6d696c79", "10c6708c59ed013d")]
    public async Task Without_one_it_has_woody_s_ids_in_w3c_s_form(string woodyTrace, string woodySpan, string trace, string span)
    {
        var line = await CallAsync(
            $"woody-{woodyTrace}", [("woody.trace-id", woodyTrace), ("woody.span-id", woodySpan), ("woody.parent-id", "undefined")]);

        Assert.Equal((trace, span), (line.Scope["TraceId"], line.Scope["SpanId"]));
        Assert.Equal((woodyTrace, "-", "-"), (line.State["WoodyTraceId"], line.State["Actor"], line.Scope["Actor"]));
    }

    [Fact]
    public async Task A_call_without_any_ids_has_those_that_are_made_for_it()
    {
        var line = await CallAsync("plain", []);

        Assert.Matches("^[0-9a-f]{16}$", line.State["WoodyTraceId"]);
        Assert.Equal($"{new string('0', 16)}{line.State["WoodyTraceId"]}", line.Scope["TraceId"]);
    }

    [Theory]
    [InlineData("/payout/management", "x", "400")]
    [InlineData("/elsewhere", "x", "404")]
    [InlineData("/payout/management", "no id", "400")]
    public async Task Calls_that_make_no_sense_have_their_caller_too(string path, string parentId, string status)
    {
        var user = $"{Guid.NewGuid()}";
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(logged.Host.ThriftUrl, path)) { Content = new ByteArrayContent([1, 2, 3]) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/x-thrift");
        request.Headers.TryAddWithoutValidation("woody.meta.user-identity.id", user);
        request.Headers.TryAddWithoutValidation("woody.parent-id", parentId);
        using var response = await logged.Host.Http.SendAsync(request);

        Assert.Equal(status, $"{(int)response.StatusCode}");
        var line = await LineAsync(line => line.State["Actor"] == $"id={user}");
        Assert.Equal((status, $"id={user}"), (line.State["Status"], line.Scope["Actor"]));
    }

    [Fact]
    public async Task What_else_a_call_leads_to_has_the_same_fields_and_so_has_what_recovery_does_for_it()
    {
        using var log = new LogRecorder();
        await using var host = await RunningHost.StartAsync(
            log, ("Recovery:LeaseDuration", "00:00:01"), ("Recovery:ScanInterval", "00:00:00.1"));
        var faults = host.Host.Sandbox!.Faults;

        faults.Settings = new FaultSettings { Rate = 1, Kinds = [Fault.Unavailable], Method = "Hold", Count = 1 };
        await host.CreateAsync("called", change: request => Add(request, [("traceparent", $"00-{Trace}-{Span}-01"), .. Ivan]));

        // On a slow machine other calls may fail, too.
        var failed = Assert.Single(log.Of(60), line => line.Message.Contains("a fault of the sandbox", StringComparison.Ordinal));
        Assert.StartsWith("Shumway failed Hold (NotDone): ", failed.Message, StringComparison.Ordinal);
        Assert.Equal((Trace, "id=42 username=ivan", "called"), (failed.Scope["TraceId"], failed.Scope["Actor"], failed.Scope["PayoutId"]));

        faults.Settings = new FaultSettings { Rate = 1, Kinds = [Fault.AnswerLost], Method = "Hold" };
        // On a slow machine the time may be up before the ledger is asked.
        var unknown = await Assert.ThrowsAsync<WoodyCallException>(() => RunningHost.RepeatAsync(() => host.CreateAsync("recovered", change: request => Add(
            request, [.. Ivan, ("woody.deadline", $"{TimeProvider.System.GetUtcNow().AddSeconds(1):yyyy-MM-ddTHH:mm:ss.fffZ}")]))));
        Assert.Equal(WoodyOutcome.Unknown, unknown.Outcome);
        await Sql.UntilAsync(() => Task.FromResult(log.Of(60).Any(IsOfRecovery)));
        faults.Settings = new FaultSettings();

        var recovered = Assert.Single(await log.UntilAsync(3, 1));
        Assert.Equal(("id=42 username=ivan", "recovered"), (recovered.State["Actor"], recovered.State["PayoutId"]));
        Assert.All(
            log.Of(60).Where(IsOfRecovery),
            line => Assert.Equal(("id=42 username=ivan", "recovered"), (line.Scope["Actor"], line.Scope["PayoutId"])));

        static bool IsOfRecovery(LogLine line) => !line.Scope.ContainsKey("TraceId");
    }

    [Fact]
    public async Task A_caller_is_known_by_its_certificate_and_of_one_that_is_refused_it_is_said_why()
    {
        using var authority = new ThrowAwayAuthority();
        using var log = new LogRecorder();
        var server = authority.IssueForServer();
        await using var host = await RunningHost.StartAsync(
            log,
            ("Kestrel:Endpoints:Thrift:Url", "https://127.0.0.1:0"),
            ("Kestrel:Endpoints:Thrift:Certificate:Path", server.Path),
            ("Kestrel:Endpoints:Thrift:Certificate:KeyPath", server.KeyPath),
            ("Thrift:ClientAuthority", authority.Path),
            ("Thrift:Callers:reader:Subject", "CN=reader, O=Reports"),
            ("Thrift:Callers:reader:Methods", "GetPayout"));
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificates = [authority.IssueForClient("CN=reader, O=Reports").Load()],
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = X509RevocationMode.NoCheck,
                    CustomTrustStore = { authority.Certificate },
                },
            },
        });

        foreach (var (message, status) in ((byte[], HttpStatusCode)[])
            [
                (ThriftMessage.Serialize(new TMessage("GetPayout", TMessageType.Call, 1), new Calls.GetPayout_args { PayoutId = "p" }), HttpStatusCode.OK),
                (ThriftMessage.Serialize(new TMessage("CancelPayout", TMessageType.Call, 1), new Calls.CancelPayout_args { PayoutId = "p", Details = "d" }), HttpStatusCode.Forbidden),
            ])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, host.ThriftUrl) { Content = new ByteArrayContent(message) };
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/x-thrift");
            // The certificate is what somebody vouches for.
            Add(request, Ivan);
            using var response = await http.SendAsync(request);
            Assert.Equal(status, response.StatusCode);
        }

        var calls = await log.UntilAsync(40, 2);
        Assert.Equal(
            [
                ("GetPayout", "200", "CN=reader, O=Reports", "CN=reader, O=Reports"),
                ("CancelPayout", "403", "CN=reader, O=Reports", "CN=reader, O=Reports"),
            ],
            calls.Select(line => (line.State["Method"], line.State["Status"], line.State["Actor"], line.Scope["Actor"]!)));
        var refused = Assert.Single(log.Of(42));
        Assert.Equal(
            (LogLevel.Warning, "CancelPayout is refused to CN=reader, O=Reports at 127.0.0.1: CN=reader, O=Reports may not call CancelPayout"),
            (refused.Level, refused.Message));
        Assert.Equal(calls[1].Scope["TraceId"], refused.Scope["TraceId"]);
    }

    private static void Add(HttpRequestMessage request, IEnumerable<(string Name, string Value)> headers)
    {
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
    }

    /// <summary>Asks for a payout that there is not, and answers the call's line.</summary>
    private async Task<LogLine> CallAsync(string payoutId, IReadOnlyList<(string Name, string Value)> headers)
    {
        await logged.Host.CallAsync<Calls.GetPayout_result>(
            "GetPayout", new Calls.GetPayout_args { PayoutId = payoutId }, request => Add(request, headers));
        return await LineAsync(line => line.State["PayoutId"] == payoutId);
    }

    /// <summary>The line of a call, which may come after its answer.</summary>
    private async Task<LogLine> LineAsync(Func<LogLine, bool> isIt)
    {
        await Sql.UntilAsync(() => Task.FromResult(logged.Log.Of(40).Any(isIt)));
        return Assert.Single(logged.Log.Of(40), line => isIt(line));
    }

    /// <summary>A host whose log is kept.</summary>
    public sealed class LoggedHost : IAsyncLifetime
    {
        public LogRecorder Log { get; } = new();

        public RunningHost Host { get; private set; } = null!;

        public async Task InitializeAsync() => Host = await RunningHost.StartAsync(Log);

        public async Task DisposeAsync()
        {
            await Host.DisposeAsync();
            Log.Dispose();
        }
    }
}
