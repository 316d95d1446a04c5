using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using PayoutManager.Woody;

namespace PayoutManager.Infrastructure.Tests.Woody;

public sealed class HappyEyeballsTests
{
    private static readonly DnsEndPoint Target = new("peer.test", 8022);

    private readonly FakeTimeProvider _clock = new();
    private readonly ConcurrentQueue<string> _tried = [];

    [Fact]
    public async Task Families_alternate_and_a_failed_attempt_is_followed_at_once()
    {
        var race = Race(
            ["10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2"],
            (_, _) => Task.FromException<Stream>(new SocketException((int)SocketError.ConnectionRefused)));

        // Time stands still.
        var e = await Assert.ThrowsAsync<SocketException>(() => race.ConnectAsync(Target, CancellationToken.None));

        Assert.Equal(["[fd00::1]:8022", "10.0.0.1:8022", "[fd00::2]:8022", "10.0.0.2:8022", "10.0.0.3:8022"], _tried);
        Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
        Assert.All(_tried, endPoint => Assert.Contains($"{endPoint}: Connection refused", e.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_attempt_without_an_answer_is_joined_by_the_next_one_after_a_quarter_of_a_second()
    {
        using var given = new CancellationTokenSource();
        var race = Race(["10.0.0.1", "10.0.0.2", "10.0.0.3"], NeverAsync);
        var connecting = race.ConnectAsync(Target, given.Token);

        _clock.Advance(TimeSpan.FromMilliseconds(250));
        while (_tried.Count < 2)
            await Task.Yield();
        await given.CancelAsync();

        var e = await Assert.ThrowsAsync<SocketException>(() => connecting);
        Assert.Equal(SocketError.TimedOut, e.SocketErrorCode);
        Assert.Equal(
            "no address of peer.test accepts a connection "
            + "(10.0.0.1:8022: no answer in time; 10.0.0.2:8022: no answer in time; 10.0.0.3:8022: not tried)",
            e.Message);
    }

    [Fact]
    public async Task The_first_connection_wins_and_the_others_are_cancelled_and_closed()
    {
        var late = new TaskCompletionSource<Stream>();
        var cancelled = new TaskCompletionSource();
        var (winner, loser) = (new WatchedStream(), new WatchedStream());
        var race = Race(["10.0.0.1", "10.0.0.2"], (endPoint, token) =>
        {
            if (endPoint.Address.ToString() == "10.0.0.2")
                return Task.FromResult<Stream>(winner);
            token.Register(cancelled.SetResult);
            return late.Task;
        });
        var connecting = race.ConnectAsync(Target, CancellationToken.None);
        _clock.Advance(TimeSpan.FromMilliseconds(250));

        Assert.Same(winner, await connecting);
        await cancelled.Task;
        late.SetResult(loser);
        await loser.Closed.Task;
        Assert.False(winner.Closed.Task.IsCompleted);
    }

    [Fact]
    public async Task An_address_needs_no_resolver()
    {
        var race = new HappyEyeballs(
            (_, _) => throw new InvalidOperationException("An address was looked up."), ConnectAsync, TimeProvider.System);

        await race.ConnectAsync(new DnsEndPoint("fd00::7", 8022), CancellationToken.None);

        Assert.Equal(["[fd00::7]:8022"], _tried);
        Task<Stream> ConnectAsync(IPEndPoint endPoint, CancellationToken token)
        {
            _tried.Enqueue(endPoint.ToString());
            return Task.FromResult(Stream.Null);
        }
    }

    /// <summary>A socket whose queue of connections is full drops further packets, as a dead machine does.</summary>
    [Fact]
    public async Task A_real_silent_address_is_passed_by()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        silent.Listen(0);
        var port = ((IPEndPoint)silent.LocalEndPoint!).Port;
        using var fill = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await fill.ConnectAsync(silent.LocalEndPoint);
        using var live = new TcpListener(IPAddress.Parse("127.0.0.2"), port);
        live.Start();
        var race = new HappyEyeballs(
            (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback, IPAddress.Parse("127.0.0.2")]),
            HappyEyeballs.ConnectTcpAsync,
            TimeProvider.System);

        await using var stream = (NetworkStream)await race.ConnectAsync(new DnsEndPoint("peer.test", port), CancellationToken.None);

        Assert.Equal($"127.0.0.2:{port}", stream.Socket.RemoteEndPoint!.ToString());
    }

    private static async Task<Stream> NeverAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        return Stream.Null;
    }

    private HappyEyeballs Race(string[] addresses, Func<IPEndPoint, CancellationToken, Task<Stream>> connect) => new(
        (_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray()),
        (endPoint, token) =>
        {
            _tried.Enqueue(endPoint.ToString());
            return connect(endPoint, token);
        },
        _clock);

    private sealed class WatchedStream : MemoryStream
    {
        public TaskCompletionSource Closed { get; } = new();

        protected override void Dispose(bool disposing)
        {
            Closed.TrySetResult();
            base.Dispose(disposing);
        }
    }
}
