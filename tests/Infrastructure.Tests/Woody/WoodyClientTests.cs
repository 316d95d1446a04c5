using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using PayoutManager.Testing;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;

namespace PayoutManager.Infrastructure.Tests.Woody;

public sealed class WoodyClientTests : IAsyncLifetime
{
    private static readonly Calls.GetAccountByID_args Args = new() { Id = 7 };

    private static readonly Func<HttpContext, Task> Found =
        ScriptedPeer.Reply(new Calls.GetAccountByID_result { Success = new Thrift.Accounting.Account(7, "RUB") }, ("payout.note", "yes"));

    private readonly HttpClient _http = new(WoodyClient.CreateHandler());
    private ScriptedPeer _peer = null!;

    public async Task InitializeAsync() => _peer = await ScriptedPeer.StartAsync();

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _peer.DisposeAsync();
    }

    /// <summary>
    /// What every status means, without a class and with each class in any case. N: not done, U: unknown, R: refused, F: failed.
    /// </summary>
    [Theory]
    //          status  none  ResourceUnavailable   ResultUnknown   ResultUnexpected   BusinessError   another
    [InlineData("503     U     N                     U               F                  U               U")]
    [InlineData("502     U     N                     U               F                  U               U")]
    [InlineData("504     U     U                     U               U                  U               U")]
    [InlineData("500     U     U                     U               F                  U               U")]
    [InlineData("400     U     U                     U               R                  U               U")]
    [InlineData("404     U     U                     U               F                  U               U")]
    [InlineData("403     U     U                     U               F                  U               U")]
    [InlineData("429     U     U                     U               F                  U               U")]
    [InlineData("302     U     U                     U               F                  U               U")]
    [InlineData("204     U     U                     U               F                  U               U")]
    public async Task An_answer_is_sorted_by_its_status_and_class(string row)
    {
        string[] classes = ["", "Resource Unavailable", "Result Unknown", "Result Unexpected", "Business Error", "Whatever"];
        var cells = row.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var status = int.Parse(cells[0]);
        foreach (var (errorClass, expected) in classes.Zip(cells[1..]))
        {
            foreach (var spelling in (string[])[errorClass, errorClass.ToUpperInvariant(), errorClass.ToLowerInvariant()])
            {
                _peer.Script.Clear();
                _peer.Script.Enqueue(ScriptedPeer.Status(status, spelling.Length > 0 ? spelling : null, "why"));

                var e = await Assert.ThrowsAsync<WoodyCallException>(CallAsync);

                Assert.Equal((spelling, expected, status, "why"), (spelling, e.Outcome.ToString()[..1], e.HttpStatus, e.ErrorReason));
                Assert.Equal(errorClass switch { "" => "Result Unknown", "Whatever" => spelling, _ => errorClass }, e.ErrorClass);
            }
        }
    }

    [Fact]
    public async Task An_answer_s_reason_is_the_peer_s_own_or_none()
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(502));

        Assert.Null((await Assert.ThrowsAsync<WoodyCallException>(CallAsync)).ErrorReason);
    }

    [Fact]
    public async Task A_lost_connection_is_unknown()
    {
        _peer.Script.Enqueue(ScriptedPeer.Abort);
        var e = await Assert.ThrowsAsync<WoodyCallException>(CallAsync);
        Assert.Equal((WoodyOutcome.Unknown, null), (e.Outcome, e.HttpStatus));
    }

    [Fact]
    public async Task No_answer_in_time_is_unknown()
    {
        _peer.Script.Enqueue(ScriptedPeer.Silence);
        var clock = new FakeTimeProvider();
        var call = new WoodyClient(_http, _peer.Url, TimeSpan.FromSeconds(5), clock)
            .CallAsync<Calls.GetAccountByID_result>("GetAccountByID", Args, CancellationToken.None);

        await _peer.AskedAsync(1);
        clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(WoodyOutcome.Unknown, (await Assert.ThrowsAsync<WoodyCallException>(() => call)).Outcome);
    }

    [Fact]
    public async Task A_call_that_is_given_up_says_so()
    {
        _peer.Script.Enqueue(ScriptedPeer.Silence);
        using var given = new CancellationTokenSource();
        var call = Client().CallAsync<Calls.GetAccountByID_result>("GetAccountByID", Args, given.Token);

        await _peer.AskedAsync(1);
        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("80010002000000036162630000000100")]
    public async Task A_reply_that_cannot_be_read_has_failed(string hex)
    {
        _peer.Script.Enqueue(ScriptedPeer.ReplyBytes(_ => Convert.FromHexString(hex)));
        var e = await Assert.ThrowsAsync<WoodyCallException>(CallAsync);
        Assert.Equal((WoodyOutcome.Failed, "Result Unexpected", 200), (e.Outcome, e.ErrorClass, e.HttpStatus));
    }

    [Fact]
    public async Task An_application_exception_of_thrift_has_failed()
    {
        // {1: "no such method", 2: 1} as an exception message.
        _peer.Script.Enqueue(ScriptedPeer.ReplyBytes(call => Convert.FromHexString(
            "80010003" + "0000000e" + "4765744163636f756e7442794944" + $"{call.SeqID:x8}"
            + "0b0001" + "00000002" + "6e6f" + "080002" + "00000001" + "00")));

        var e = await Assert.ThrowsAsync<WoodyCallException>(CallAsync);
        Assert.Equal(WoodyOutcome.Failed, e.Outcome);
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
    public async Task A_response_has_the_headers_that_the_peer_sent()
    {
        _peer.Script.Enqueue(Found);

        var response = await Client().CallForResponseAsync<Calls.GetAccountByID_result>("GetAccountByID", Args, CancellationToken.None);

        Assert.Equal((7, "yes", null), (response.Result.Success!.Id, response.FindHeader("Payout.Note"), response.FindHeader("payout.other")));
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

    private WoodyClient Client() => new(_http, _peer.Url, TimeSpan.FromSeconds(20), TimeProvider.System);

    private Task CallAsync() => Client().CallAsync<Calls.GetAccountByID_result>("GetAccountByID", Args, CancellationToken.None);
}
