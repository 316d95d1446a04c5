using System.Net;
using System.Net.Sockets;

namespace PayoutManager.Bench.Stand;

/// <summary>Stands between a host and its database, and counts how often the one waits for the other.</summary>
internal sealed class RoundTrips : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _database;
    private long _count;

    public RoundTrips(int database)
    {
        _database = database;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public long Count => Interlocked.Read(ref _count);

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was disposed of.
        }
    }

    private async Task ServeAsync(TcpClient host)
    {
        using var from = host;
        using var to = new TcpClient { NoDelay = true };
        from.NoDelay = true;
        await to.ConnectAsync(IPAddress.Loopback, _database);
        // Whoever speaks after the other did begins a turn; a request that comes in pieces is one.
        var hostSpoke = new StrongBox();
        await Task.WhenAny(
            CopyAsync(from, to, () =>
            {
                if (!hostSpoke.Value)
                    Interlocked.Increment(ref _count);
                hostSpoke.Value = true;
            }),
            CopyAsync(to, from, () => hostSpoke.Value = false));
    }

    private static async Task CopyAsync(TcpClient from, TcpClient to, Action spoke)
    {
        var buffer = new byte[1 << 16];
        try
        {
            int read;
            while ((read = await from.GetStream().ReadAsync(buffer)) > 0)
            {
                spoke();
                await to.GetStream().WriteAsync(buffer.AsMemory(0, read));
            }
        }
        catch (IOException)
        {
            // One of them has hung up.
        }
    }

    private sealed class StrongBox
    {
        public volatile bool Value;
    }
}
