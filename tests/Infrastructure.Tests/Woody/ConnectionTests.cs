using System.Net;
using System.Net.Sockets;
using PayoutManager.Testing;
using PayoutManager.Woody;
using Calls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;

namespace PayoutManager.Infrastructure.Tests.Woody;

/// <summary>What is known of a call whose connection is not made, or breaks.</summary>
public sealed class ConnectionTests : IAsyncLifetime
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private static readonly IPAddress Silent = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress Alive = IPAddress.Parse("192.0.2.2");

    private ScriptedPeer _peer = null!;

    public async Task InitializeAsync()
    {
        _peer = await ScriptedPeer.StartAsync();
        _peer.Script.Enqueue(ScriptedPeer.Reply(new Calls.GetAccountByID_result { Success = new Thrift.Accounting.Account(7, "RUB") }));
    }

    public async Task DisposeAsync() => await _peer.DisposeAsync();

    [Fact]
    public async Task A_refused_connection_is_not_done()
    {
        var e = await NotDoneAsync(WoodyClient.CreateHandler(), new Uri($"http://127.0.0.1:{Ports.Free()}/"));

        Assert.Contains("127.0.0.1", e.Message, StringComparison.Ordinal);
        Assert.Contains("refused", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_without_an_address_is_not_done()
    {
        await NotDoneAsync(Handler([], [new SocketException((int)SocketError.HostNotFound)]), PeerByName());
        var e = await NotDoneAsync(Handler([]), PeerByName());
        Assert.Contains("peer.test has no address", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TLS_that_is_not_agreed_is_not_done()
    {
        await NotDoneAsync(WoodyClient.CreateHandler(), new UriBuilder(_peer.Url) { Scheme = "https" }.Uri);
        Assert.Empty(_peer.Requests);
    }

    [Fact]
    public async Task A_connect_time_out_is_not_done_and_names_what_was_tried()
    {
        var handler = Handler([Silent, Silent]);
        handler.ConnectTimeout = TimeSpan.FromMilliseconds(500);

        var e = await NotDoneAsync(handler, PeerByName());

        Assert.Contains("192.0.2.1:", e.Message, StringComparison.Ordinal);
        Assert.Contains("no answer in time", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_resolver_that_does_not_answer_is_not_done()
    {
        var never = new TaskCompletionSource<IPAddress[]>();
        var handler = WoodyClient.CreateHandler(new HappyEyeballs((_, _) => never.Task, HappyEyeballs.ConnectTcpAsync, TimeProvider.System));
        handler.ConnectTimeout = TimeSpan.FromMilliseconds(100);

        await NotDoneAsync(handler, PeerByName());
    }

    [Fact]
    public async Task A_call_that_runs_out_of_time_while_connecting_is_not_done() =>
        await NotDoneAsync(Handler([Silent]), PeerByName(), TimeSpan.FromMilliseconds(50));

    [Fact]
    public async Task A_call_that_is_given_up_while_connecting_is_not_done()
    {
        using var given = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await NotDoneAsync(Handler([Silent]), PeerByName(), cancellationToken: given.Token);
        await NotDoneAsync(Handler([Silent]), PeerByName(), cancellationToken: new CancellationToken(canceled: true));
    }

    [Fact]
    public async Task A_silent_address_does_not_keep_a_call_from_the_next_one()
    {
        using var http = new HttpClient(Handler([Silent, Alive]));

        Assert.Equal(7, (await CallAsync(http, PeerByName())).Success!.Id);
    }

    [Fact]
    public async Task A_pooled_connection_that_the_peer_has_closed_is_replaced()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var url = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        using var http = new HttpClient(WoodyClient.CreateHandler());

        for (var i = 0; i < 2; i++)
        {
            var call = FailAsync(http, url);
            using (var connection = await listener.AcceptTcpClientAsync())
            {
                var stream = connection.GetStream();
                Assert.NotEqual(0, await stream.ReadAsync(new byte[8192]));
                await stream.WriteAsync("HTTP/1.1 503 Busy\r\nwoody.error-class: Resource Unavailable\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
                Assert.Equal(503, (await call).HttpStatus);
            }
        }
    }

    [Fact]
    public async Task A_pooled_connection_that_breaks_during_the_call_is_unknown_and_the_call_is_not_sent_again()
    {
        _peer.Script.Enqueue(ScriptedPeer.Abort);
        using var http = new HttpClient(WoodyClient.CreateHandler());
        await CallAsync(http, _peer.Url);

        Assert.Equal(WoodyOutcome.Unknown, (await FailAsync(http, _peer.Url)).Outcome);
        Assert.Equal(2, _peer.Requests.Count);
    }

    private Uri PeerByName() => new UriBuilder(_peer.Url) { Host = "peer.test" }.Uri;

    /// <summary>Connections to a name of some addresses, of which one is the peer's, and one drops every packet.</summary>
    private SocketsHttpHandler Handler(IPAddress[] addresses, params Exception[] failure) => WoodyClient.CreateHandler(new HappyEyeballs(
        (_, _) => failure is [var e] ? Task.FromException<IPAddress[]>(e) : Task.FromResult(addresses),
        async (endPoint, cancellationToken) =>
        {
            if (!endPoint.Address.Equals(Alive))
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return await HappyEyeballs.ConnectTcpAsync(new IPEndPoint(IPAddress.Loopback, _peer.Url.Port), cancellationToken);
        },
        TimeProvider.System));

    private async Task<WoodyCallException> NotDoneAsync(
        SocketsHttpHandler handler, Uri url, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        var e = await FailAsync(handler, url, timeout, cancellationToken);
        Assert.Equal((WoodyOutcome.NotDone, "Resource Unavailable", null), (e.Outcome, e.ErrorClass, e.HttpStatus));
        Assert.Empty(_peer.Requests);
        return e;
    }

    private static async Task<WoodyCallException> FailAsync(
        SocketsHttpHandler handler, Uri url, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        using var http = new HttpClient(handler);
        return await FailAsync(http, url, timeout, cancellationToken);
    }

    private static Task<WoodyCallException> FailAsync(
        HttpClient http, Uri url, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        Assert.ThrowsAsync<WoodyCallException>(() => CallAsync(http, url, timeout, cancellationToken));

    private static Task<Calls.GetAccountByID_result> CallAsync(
        HttpClient http, Uri url, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        new WoodyClient(http, url, timeout ?? Long, TimeProvider.System).CallAsync<Calls.GetAccountByID_result>(
            "GetAccountByID", new Calls.GetAccountByID_args { Id = 7 }, cancellationToken);
}
