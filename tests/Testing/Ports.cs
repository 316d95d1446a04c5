using System.Net;
using System.Net.Sockets;

namespace PayoutManager.Testing;

/// <summary>Ports that nobody listens on.</summary>
public static class Ports
{
    // Below those that systems give to outgoing connections, so that none is taken while its server is being started again.
    private const int First = 12_000;
    private const int Count = 20_000;

    private static int _next = Random.Shared.Next(Count);

    /// <summary>A port that was free a moment ago. This process is given each of them once.</summary>
    public static int Free()
    {
        while (true)
        {
            var port = First + ((Interlocked.Increment(ref _next) & int.MaxValue) % Count);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // Somebody listens there.
            }
        }
    }
}
