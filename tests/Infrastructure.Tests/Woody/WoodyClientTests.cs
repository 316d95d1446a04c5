using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using PayoutManager.Testing;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;

namespace PayoutManager.Infrastructure.Tests.Woody;

public sealed class WoodyClientTests : IAsyncLifetime
{
    private static readonly Calls.GetAccountByID_args Args = new() { Id = 7 };

    private readonly HttpClient _http = new(WoodyClient.CreateHandler());
    private ScriptedPeer _peer = null!;

    public async Task InitializeAsync() => _peer = await ScriptedPeer.StartAsync();

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _peer.DisposeAsync();
    }

    /// <summary>Every answer of a peer, and what is known of the call afterwards.</summary>
    [Theory]
    [InlineData(503, null, WoodyOutcome.NotDone, "Resource Unavailable")]
    [InlineData(504, null, WoodyOutcome.Unknown, "Result Unknown")]
    [InlineData(502, "Result Unexpected", WoodyOutcome.Unexpected, "Result Unexpected")]
    [InlineData(502, "resource unavailable", WoodyOutcome.NotDone, "Resource Unavailable")]
    [InlineData(502, "RESULT UNKNOWN", WoodyOutcome.Unknown, "Result Unknown")]
    [InlineData(502, null, WoodyOutcome.Unexpected, "Result Unexpected")]
    [InlineData(500, "Result Unexpected", WoodyOutcome.Unexpected, "Result Unexpected")]
    [InlineData(400, null, WoodyOutcome.Unexpected, "Result Unexpected")]
    [InlineData(404, null, WoodyOutcome.Unexpected, "Result Unexpected")]
    [InlineData(302, null, WoodyOutcome.Unexpected, "Result Unexpected")]
    [InlineData(204, null, WoodyOutcome.Unexpected, "Result Unexpected")]
    public async Task An_answer_is_sorted_by_its_status_and_class(int status, string? errorClass, WoodyOutcome outcome, string expectedClass)
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(status, errorClass));

        var e = await Assert.ThrowsAsync<WoodyCallException>(CallAsync);

        Assert.Equal((outcome, expectedClass), (e.Outcome, e.ErrorClass));
    }

    [Fact]
    public async Task A_refused_connection_is_not_done()
    {
        var client = new WoodyClient(_http, new Uri($"http://127.0.0.1:{Ports.Free()}/"), TimeSpan.FromSeconds(5), TimeProvider.System);
        var e = await Assert.ThrowsAsync<WoodyCallException>(() =>
            client.CallAsync<Calls.GetAccountByID_result>("GetAccountByID", Args, CancellationToken.None));

        Assert.Equal(WoodyOutcome.NotDone, e.Outcome);
    }

    [Fact]
    public async Task A_lost_connection_is_unknown()
    {
        _peer.Script.Enqueue(ScriptedPeer.Abort);
        Assert.Equal(WoodyOutcome.Unknown, (await Assert.ThrowsAsync<WoodyCallException>(CallAsync)).Outcome);
    }

    [Fact]
    public async Task No_answer_in_time_is_unknown()
    {
        _peer.Script.Enqueue(ScriptedPeer.Silence);
        var client = new WoodyClient(_http, _peer.Url, TimeSpan.FromMilliseconds(50), TimeProvider.System);

        var e = await Assert.ThrowsAsync<WoodyCallException>(() =>
            client.CallAsync<Calls.GetAccountByID_result>("GetAccountByID", Args, CancellationToken.None));

        Assert.Equal(WoodyOutcome.Unknown, e.Outcome);
    }

    [Fact]
    public async Task A_call_that_is_given_up_says_so()
    {
        _peer.Script.Enqueue(ScriptedPeer.Silence);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        var client = Client();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            client.CallAsync<Calls.GetAccountByID_result>("GetAccountByID", Args, patience.Token));
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("80010002000000036162630000000100")]
    public async Task A_reply_that_makes_no_sense_is_unexpected(string hex)
    {
        _peer.Script.Enqueue(Reply(_ => Convert.FromHexString(hex)));
        Assert.Equal(WoodyOutcome.Unexpected, (await Assert.ThrowsAsync<WoodyCallException>(CallAsync)).Outcome);
    }

    [Fact]
    public async Task An_application_exception_of_thrift_is_unexpected()
    {
        // {1: "no such method", 2: 1} as an exception message.
        _peer.Script.Enqueue(Reply(call => Convert.FromHexString(
            "80010003" + "0000000e" + "4765744163636f756e7442794944" + $"{call.SeqID:x8}"
            + "0b0001" + "00000002" + "6e6f" + "080002" + "00000001" + "00")));

        var e = await Assert.ThrowsAsync<WoodyCallException>(CallAsync);
        Assert.Equal(WoodyOutcome.Unexpected, e.Outcome);
        Assert.EndsWith("no", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_carries_the_context_it_is_made_in()
    {
        var deadline = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero).AddMilliseconds(60);
        WoodyContext.Current = new WoodyContext("trace", "span", "parent")
        {
            Deadline = deadline,
            Meta = [KeyValuePair.Create("woody.meta.user-identity.id", "Анна")],
        };
        _peer.Script.Enqueue(Found);

        var result = await Client().CallAsync<Calls.GetAccountByID_result>("GetAccountByID", Args, CancellationToken.None);

        Assert.Equal(7, result.Success!.Id);
        var (headers, body) = Assert.Single(_peer.Requests);
        Assert.Equal("application/x-thrift", headers["Content-Type"]);
        Assert.Equal("application/x-thrift", headers["Accept"]);
        Assert.Equal(("trace", "span"), (headers["woody.trace-id"], headers["woody.parent-id"]));
        Assert.Matches("^[0-9a-f]{16}$", headers["woody.span-id"]);
        Assert.Equal("2030-01-02T03:04:05.060Z", headers["woody.deadline"]);
        Assert.Equal("Анна", headers["woody.meta.user-identity.id"]);
        Assert.Equal((TMessageType.Call, "GetAccountByID"), (ThriftMessage.Open(body).Envelope.Type, ThriftMessage.Open(body).Envelope.Name));
    }

    [Fact]
    public async Task A_call_outside_of_any_begins_a_trace()
    {
        _peer.Script.Enqueue(Found);
        await CallAsync();

        var (headers, _) = Assert.Single(_peer.Requests);
        foreach (var name in (string[])["woody.trace-id", "woody.span-id", "woody.parent-id"])
            Assert.Matches(new Regex("^[0-9a-f]{16}$"), headers[name]);
        Assert.DoesNotContain("woody.deadline", headers.Keys);
    }

    private static Task Found(HttpContext http) => Reply(call => ThriftMessage.Serialize(
        new TMessage(call.Name, TMessageType.Reply, call.SeqID),
        new Calls.GetAccountByID_result { Success = new Thrift.Accounting.Account(7, "RUB") }))(http);

    private static Func<HttpContext, Task> Reply(Func<TMessage, byte[]> reply) => async http =>
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var bytes = reply(ThriftMessage.Open(body.ToArray()).Envelope);
        http.Response.ContentType = "application/x-thrift";
        await http.Response.Body.WriteAsync(bytes);
    };

    private WoodyClient Client() => new(_http, _peer.Url, TimeSpan.FromSeconds(20), TimeProvider.System);

    private Task CallAsync() => Client().CallAsync<Calls.GetAccountByID_result>("GetAccountByID", Args, CancellationToken.None);
}
