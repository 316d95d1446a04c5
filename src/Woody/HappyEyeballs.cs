using System.Net;
using System.Net.Sockets;

namespace PayoutManager.Woody;

/// <summary>
/// Connects to a name by all of its addresses, side by side (RFC 8305, "Happy Eyeballs"): address families alternate, IPv6 first; the
/// next attempt starts after 250 ms, or at once when one fails; the first connection wins. An address that drops packets therefore costs
/// 250 ms, where one address after the other would spend the whole connect time-out on it.
/// </summary>
/// <param name="resolve">Finds the addresses of a name.</param>
/// <param name="connect">Connects to one address.</param>
/// <param name="clock">Measures the delay between attempts.</param>
internal sealed class HappyEyeballs(
    Func<string, CancellationToken, Task<IPAddress[]>> resolve,
    Func<IPEndPoint, CancellationToken, Task<Stream>> connect,
    TimeProvider clock)
{
    private const string NoAnswer = "no answer in time";

    // The recommended "Connection Attempt Delay" of RFC 8305, section 8.
    private static readonly TimeSpan AttemptDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>Connects by the machine's resolver and TCP.</summary>
    public HappyEyeballs()
        : this(Dns.GetHostAddressesAsync, ConnectTcpAsync, TimeProvider.System)
    {
    }

    /// <summary>The first connection that one of the name's addresses accepts.</summary>
    /// <exception cref="SocketException">
    /// The name has no address, or no address accepted in time; the message says what became of each.
    /// </exception>
    public async Task<Stream> ConnectAsync(DnsEndPoint target, CancellationToken cancellationToken)
    {
        var waiting = new Queue<IPAddress>(Interleave(await ResolveAsync(target.Host, cancellationToken)));
        if (waiting.Count == 0)
            throw new SocketException((int)SocketError.HostNotFound, $"{target.Host} has no address");

        var running = new List<Attempt>();
        var failures = new List<string>();
        var error = SocketError.TimedOut;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            while (waiting.Count > 0 || running.Count > 0)
            {
                if (waiting.TryDequeue(out var address))
                    running.Add(Start(new IPEndPoint(address, target.Port), end.Token));
                await FirstToEndAsync(running, waiting.Count > 0, end.Token).WaitAsync(cancellationToken);

                if (running.Find(attempt => attempt.Connection.IsCompletedSuccessfully) is { } winner)
                {
                    running.Remove(winner);
                    return await winner.Connection;
                }

                foreach (var failed in running.Where(attempt => attempt.Connection.IsCompleted).ToList())
                {
                    running.Remove(failed);
                    var cause = failed.Connection.Exception?.GetBaseException();
                    failures.Add($"{failed.EndPoint}: {cause?.Message ?? NoAnswer}");
                    error = (cause as SocketException)?.SocketErrorCode ?? SocketError.TimedOut;
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            error = SocketError.TimedOut;
            failures.AddRange(running.Select(attempt => $"{attempt.EndPoint}: {NoAnswer}"));
            failures.AddRange(waiting.Select(address => $"{new IPEndPoint(address, target.Port)}: not tried"));
        }
        finally
        {
            await end.CancelAsync();
            foreach (var attempt in running)
                _ = DiscardAsync(attempt.Connection);
        }

        throw new SocketException((int)error, $"no address of {target.Host} accepts a connection ({string.Join("; ", failures)})");
    }

    private async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) =>
        IPAddress.TryParse(host, out var address)
            ? [address]
            // The machine's resolver blocks a thread, and does not stop when it is cancelled.
            : await resolve(host, cancellationToken).WaitAsync(cancellationToken);

    private static IEnumerable<IPAddress> Interleave(IPAddress[] addresses)
    {
        var six = addresses.Where(address => address.AddressFamily == AddressFamily.InterNetworkV6).ToList();
        var others = addresses.Where(address => address.AddressFamily != AddressFamily.InterNetworkV6).ToList();
        for (var i = 0; i < Math.Max(six.Count, others.Count); i++)
        {
            if (i < six.Count)
                yield return six[i];
            if (i < others.Count)
                yield return others[i];
        }
    }

    /// <summary>Connects to one address over TCP.</summary>
    public static async Task<Stream> ConnectTcpAsync(IPEndPoint endPoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task DiscardAsync(Task<Stream> connection)
    {
        try
        {
            await (await connection).DisposeAsync();
        }
        catch (Exception)
        {
            // Another attempt has won. Nobody needs to know how this one failed.
        }
    }

    private Attempt Start(IPEndPoint endPoint, CancellationToken cancellationToken) => new(endPoint, connect(endPoint, cancellationToken));

    private Task FirstToEndAsync(List<Attempt> running, bool moreToTry, CancellationToken cancellationToken)
    {
        var ends = running.Select(attempt => (Task)attempt.Connection);
        return Task.WhenAny(moreToTry ? ends.Append(Task.Delay(AttemptDelay, clock, cancellationToken)) : ends);
    }

    private sealed record Attempt(IPEndPoint EndPoint, Task<Stream> Connection);
}
