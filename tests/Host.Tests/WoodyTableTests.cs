using System.Net;
using System.Net.Sockets;
using System.Text;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests;

/// <summary>Every row of the table of Thrift over HTTP, as bytes on the wire.</summary>
public sealed class WoodyTableTests(WoodyTableTests.SharedHost shared) : IClassFixture<WoodyTableTests.SharedHost>
{
    private static readonly byte[] GetUnknown = Call("GetPayout", new Calls.GetPayout_args { PayoutId = "gone" });

    private RunningHost Host => shared.Host;

    [Fact]
    public async Task Success_is_200_with_a_reply_message()
    {
        var response = await Host.PostAsync(ThriftMessage.Serialize(
            new TMessage("CreatePayout", TMessageType.Call, 4711), RunningHost.CreateArgs("row-success", 100_000)));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False(response.Headers.Contains("woody.error-class"));
        Assert.False(response.Headers.Contains("woody.error-reason"));
        Assert.Equal("application/x-thrift", response.Content.Headers.ContentType!.ToString());
        var message = ThriftMessage.Open(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(("CreatePayout", TMessageType.Reply, 4711), (message.Envelope.Name, message.Envelope.Type, message.Envelope.SeqID));
        Assert.Equal("row-success", message.ReadBody<Calls.CreatePayout_result>().Success!.PayoutId);
    }

    [Fact]
    public async Task A_declared_exception_is_200_named_in_the_headers_with_a_reply_message()
    {
        var response = await Host.PostAsync(GetUnknown);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(("Business Error", "NotFound"), Error(response));
        var message = ThriftMessage.Open(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("Payout gone not found.", message.ReadBody<Calls.GetPayout_result>().Ex1!.Message);
    }

    [Theory]
    [InlineData("InsufficientFunds: amount not positive", 0, "shop-1", "party-1")]
    [InlineData("InsufficientFunds: not enough money", 2_000_000, "shop-poor", "party-1")]
    [InlineData("InvalidRequest", 100, "", "")]
    [InlineData("InvalidRequest", 100, "shop-without-tool", "party-1")]
    [InlineData("InvalidRequest", 100, "shop-without-account", "party-1")]
    [InlineData("InvalidRequest", 100, "shop-usd", "party-1")]
    [InlineData("NotFound", 100, "shop-1", "gone")]
    [InlineData("NotFound", 100, "gone", "party-1")]
    [InlineData("NotFound", 100, "shop-without-contract", "party-1")]
    [InlineData("NotFound", 100, "shop-with-unknown-tool", "party-1")]
    [InlineData("NotFound", 100, "shop-blocked", "party-1")]
    public async Task Each_declared_exception_of_a_create_has_its_name_and_insufficient_funds_a_reason(string name, long amount, string shop, string party)
    {
        var response = await Host.PostAsync(Call("CreatePayout", RunningHost.CreateArgs("refused", amount, shop, party)));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(("Business Error", name), Error(response));
    }

    [Fact]
    public async Task An_id_that_is_taken_is_named_as_such()
    {
        await Host.CreateAsync("row-taken");
        var response = await Host.PostAsync(Call("CreatePayout", RunningHost.CreateArgs("row-taken", 100_000)));

        Assert.Equal(("Business Error", "PayoutAlreadyExists"), Error(response));
    }

    [Fact]
    public async Task Another_method_is_405()
    {
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Head, HttpMethod.Options])
        {
            var response = await Host.PostAsync(GetUnknown, request => request.Method = method);
            await AssertErrorAsync(response, HttpStatusCode.MethodNotAllowed, $"method {method}, must be POST");
            Assert.Equal("POST", Assert.Single(response.Content.Headers.Allow));
        }
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("text/plain")]
    [InlineData("application/x-thrift-json")]
    public async Task Another_content_type_is_415(string contentType) =>
        await AssertErrorAsync(
            await Host.PostAsync(GetUnknown, contentType: contentType),
            HttpStatusCode.UnsupportedMediaType,
            "content type must be application/x-thrift");

    [Fact]
    public async Task No_content_type_is_415() =>
        await AssertErrorAsync(
            await Host.PostAsync(GetUnknown, request => request.Content!.Headers.ContentType = null),
            HttpStatusCode.UnsupportedMediaType,
            "content type must be application/x-thrift");

    [Theory]
    [InlineData("application/json")]
    [InlineData("text/*")]
    [InlineData("application/x-thrift;q=0")]
    [InlineData("*/*, application/x-thrift;q=0")]
    [InlineData("application/*;q=0, text/html")]
    public async Task An_accept_that_rules_thrift_out_is_406(string accept) =>
        await AssertErrorAsync(
            await Host.PostAsync(GetUnknown, request => request.Headers.TryAddWithoutValidation("Accept", accept)),
            HttpStatusCode.NotAcceptable,
            "accept rules out application/x-thrift");

    [Theory]
    [InlineData(null)]
    [InlineData("*/*")]
    [InlineData("application/x-thrift")]
    [InlineData("APPLICATION/X-THRIFT")]
    [InlineData("application/*")]
    [InlineData("text/html, */*;q=0.1")]
    [InlineData("application/x-thrift;q=0.5, */*;q=0")]
    public async Task An_accept_that_does_not_is_fine(string? accept)
    {
        var response = await Host.PostAsync(GetUnknown, request =>
        {
            if (accept is not null)
                request.Headers.TryAddWithoutValidation("Accept", accept);
        });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_content_type_with_parameters_is_fine() =>
        Assert.Equal(
            HttpStatusCode.OK, (await Host.PostAsync(GetUnknown, contentType: "application/x-thrift; charset=utf-8")).StatusCode);

    [Theory]
    [InlineData("/")]
    [InlineData("/payout/management/")]
    [InlineData("/payout/Management")]
    [InlineData("/health/live")]
    [InlineData("/info")]
    public async Task Another_path_is_404(string path) =>
        await AssertErrorAsync(
            await Host.PostAsync(GetUnknown, request => request.RequestUri = new Uri(Host.ThriftUrl, path)),
            HttpStatusCode.NotFound,
            $"no service at {path}");

    [Fact]
    public async Task An_empty_body_is_400() =>
        await AssertErrorAsync(await Host.PostAsync([]), HttpStatusCode.BadRequest, "the body is empty");

    [Fact]
    public async Task Every_truncated_body_is_400()
    {
        var whole = Call("CreatePayout", RunningHost.CreateArgs("truncated", 100_000));
        for (var length = 0; length < whole.Length; length++)
            await AssertErrorAsync(await Host.PostAsync(whole[..length]), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task An_oversized_body_is_400_whether_its_length_is_told_or_not()
    {
        await AssertErrorAsync(
            await Host.PostAsync(new byte[65_537]), HttpStatusCode.BadRequest, "the body is larger than 65536 bytes");
        await AssertErrorAsync(
            await Host.PostAsync(new byte[65_537], request => request.Headers.TransferEncodingChunked = true),
            HttpStatusCode.BadRequest,
            "the body is larger than 65536 bytes");
    }

    [Fact]
    public async Task A_body_that_claims_a_length_and_ends_early_is_400_or_nothing()
    {
        // A caller that hangs up cannot be answered; what counts is that the host takes the next one.
        using (var socket = new TcpClient())
        {
            await socket.ConnectAsync(IPAddress.Loopback, Host.ThriftUrl.Port);
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
                "POST /payout/management HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-thrift\r\nContent-Length: 1000\r\n\r\nabc"));
        }

        Assert.Equal(HttpStatusCode.OK, (await Host.PostAsync(GetUnknown)).StatusCode);
    }

    [Fact]
    public async Task A_malformed_body_is_400()
    {
        await AssertErrorAsync(await Host.PostAsync(Encoding.UTF8.GetBytes("hello, how are you?")), HttpStatusCode.BadRequest);
        await AssertErrorAsync(await Host.PostAsync([.. GetUnknown, 0]), HttpStatusCode.BadRequest, "1 bytes follow GetPayout_args");
        await AssertErrorAsync(
            await Host.PostAsync(Call("GetPayout", new Calls.GetPayout_args())), HttpStatusCode.BadRequest, "argument payout_id is missing");
        await AssertErrorAsync(
            await Host.PostAsync(Call("CreatePayout", new Calls.CreatePayout_args())), HttpStatusCode.BadRequest, "argument payout_params is missing");
        await AssertErrorAsync(
            await Host.PostAsync(Call("CancelPayout", new Calls.CancelPayout_args { PayoutId = "x" })), HttpStatusCode.BadRequest, "argument details is missing");
        await AssertErrorAsync(
            await Host.PostAsync(Call("CreatePayout", new Calls.CreatePayout_args { PayoutParams = new PayoutParams() })), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_message_that_is_no_call_is_400()
    {
        foreach (var type in (TMessageType[])[TMessageType.Reply, TMessageType.Exception, TMessageType.Oneway])
        {
            await AssertErrorAsync(
                await Host.PostAsync(ThriftMessage.Serialize(
                    new TMessage("GetPayout", type, 1), new Calls.GetPayout_args { PayoutId = "x" })),
                HttpStatusCode.BadRequest,
                $"the message is of type {(int)type}, not a call");
        }
    }

    [Fact]
    public async Task An_unknown_method_is_400() =>
        await AssertErrorAsync(
            await Host.PostAsync(Call("DropTables", new Calls.GetPayout_args { PayoutId = "x" })),
            HttpStatusCode.BadRequest,
            "unknown method DropTables");

    [Fact]
    public async Task Hostile_nesting_and_sizes_are_400_and_cost_neither_stack_nor_memory()
    {
        var envelope = GetUnknown[..21];
        byte[] deep = [.. envelope, .. Enumerable.Repeat<byte[]>([12, 0, 99], 20_000).SelectMany(b => b)];
        byte[] list = [.. envelope, 15, 0, 99, 12, 0x7f, 0xff, 0xff, 0xff];
        byte[] text = [.. envelope, 11, 0, 1, 0x7f, 0xff, 0xff, 0xff];
        var before = GC.GetTotalAllocatedBytes(precise: true);

        foreach (var body in (byte[][])[deep, list, text])
            await AssertErrorAsync(await Host.PostAsync(body), HttpStatusCode.BadRequest);

        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 32 << 20);
    }

    [Fact]
    public async Task Random_bodies_are_400_or_answered_and_never_anything_else()
    {
        var random = new Random(20261123);
        byte[][] calls =
        [
            GetUnknown,
            Call("CreatePayout", RunningHost.CreateArgs("fuzz", 1)),
            Call("CancelPayout", new Calls.CancelPayout_args { PayoutId = "gone", Details = "x" }),
            Call("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = "gone" }),
        ];
        for (var round = 0; round < 1_500; round++)
        {
            var body = (byte[])calls[round % calls.Length].Clone();
            for (var flips = random.Next(1, 5); flips > 0; flips--)
                body[random.Next(body.Length)] = (byte)random.Next(256);
            using var response = await Host.PostAsync(body);
            Assert.True(
                response.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest,
                $"{Convert.ToHexString(body)} gave {response.StatusCode}");
        }
    }

    [Theory]
    [InlineData("woody.deadline", "tomorrow", "header woody.deadline must be an RFC 3339 instant, once")]
    [InlineData("woody.deadline", "", "header woody.deadline must be an RFC 3339 instant, once")]
    [InlineData("woody.trace-id", "two words", "header woody.trace-id must be 1 to 256 visible ASCII characters, once")]
    [InlineData("woody.span-id", "", "header woody.span-id must be 1 to 256 visible ASCII characters, once")]
    public async Task A_bad_header_is_400(string name, string value, string reason) =>
        await AssertErrorAsync(
            await Host.PostAsync(GetUnknown, request => request.Headers.TryAddWithoutValidation(name, value)),
            HttpStatusCode.BadRequest,
            reason);

    [Fact]
    public async Task An_id_that_cannot_be_echoed_is_400()
    {
        var answer = await RawAsync("woody.parent-id: привет\r\n");
        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("woody.error-reason: header woody.parent-id must be", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_invalid_state_is_500_and_says_why()
    {
        await Host.CreateAsync("row-cancelled");
        await Host.CancelAsync("row-cancelled");

        await AssertErrorAsync(
            await Host.PostAsync(Call("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = "row-cancelled" })),
            HttpStatusCode.InternalServerError,
            "Cannot confirm payout row-cancelled: it is cancelled.");
        await AssertErrorAsync(
            await Host.PostAsync(Call("CancelPayout", new Calls.CancelPayout_args { PayoutId = "row-cancelled", Details = new string('x', 4097) })),
            HttpStatusCode.InternalServerError,
            "details must be at most 4096 characters, are 4097");
    }

    [Fact]
    public async Task A_deadline_that_has_passed_is_503_and_nothing_is_done()
    {
        var response = await Host.PostAsync(
            Call("CreatePayout", RunningHost.CreateArgs("row-late", 100_000)),
            request => request.Headers.Add("woody.deadline", "2021-01-01T00:00:00Z"));

        await AssertErrorAsync(response, HttpStatusCode.ServiceUnavailable, "the deadline had already passed", "Resource Unavailable");
        Assert.Equal(("Business Error", "NotFound"), Error(await Host.PostAsync(Call("GetPayout", new Calls.GetPayout_args { PayoutId = "row-late" }))));
    }

    [Theory]
    [InlineData("9999-12-31T23:59:59.999999999Z")]
    [InlineData("2100-01-01T00:00:00Z")]
    public async Task A_distant_deadline_is_fine(string deadline) =>
        Assert.Equal(
            HttpStatusCode.OK,
            (await Host.PostAsync(GetUnknown, request => request.Headers.Add("woody.deadline", deadline))).StatusCode);

    [Fact]
    public async Task The_ids_are_echoed_in_every_answer()
    {
        foreach (var path in (string[])["/payout/management", "/elsewhere"])
        {
            var response = await Host.PostAsync(GetUnknown, request =>
            {
                request.RequestUri = new Uri(Host.ThriftUrl, path);
                request.Headers.Add("woody.trace-id", "my-trace");
                request.Headers.Add("woody.span-id", "my.span");
                request.Headers.Add("woody.parent-id", "undefined");
            });
            Assert.Equal(["my-trace", "my.span", "undefined"], Ids(response));
        }
    }

    [Fact]
    public async Task A_caller_that_sends_no_ids_is_given_some()
    {
        var response = await Host.PostAsync(GetUnknown);

        Assert.All(Ids(response), id => Assert.Matches("^[0-9a-f]{16}$", id));
        Assert.Equal(3, Ids(response).Distinct().Count());
    }

    private static byte[] Call(string method, global::Thrift.Protocol.TBase args) =>
        ThriftMessage.Serialize(new TMessage(method, TMessageType.Call, 1), args);

    private static string[] Ids(HttpResponseMessage response) =>
    [
        .. ((string[])["woody.trace-id", "woody.span-id", "woody.parent-id"]).Select(n => response.Headers.GetValues(n).Single()),
    ];

    private static (string Class, string Reason) Error(HttpResponseMessage response) =>
        (response.Headers.GetValues("woody.error-class").Single(), response.Headers.GetValues("woody.error-reason").Single());

    private static async Task AssertErrorAsync(
        HttpResponseMessage response, HttpStatusCode status, string? reason = null, string errorClass = "Result Unexpected")
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal(errorClass, Error(response).Class);
        if (reason is not null)
            Assert.Equal(reason, Error(response).Reason);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    private async Task<string> RawAsync(string headers)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, Host.ThriftUrl.Port);
        await socket.GetStream().WriteAsync(Encoding.UTF8.GetBytes(
            $"POST /payout/management HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-thrift\r\nContent-Length: 0\r\nConnection: close\r\n{headers}\r\n"));
        using var reader = new StreamReader(socket.GetStream());
        return await reader.ReadToEndAsync();
    }

    /// <summary>One host for all rows: starting one is most of a test's time.</summary>
    public sealed class SharedHost : IAsyncLifetime
    {
        public RunningHost Host { get; private set; } = null!;

        public async Task InitializeAsync() => Host = await RunningHost.StartAsync(("Thrift:MaxBodySize", "65536"));

        public async Task DisposeAsync() => await Host.DisposeAsync();
    }
}
