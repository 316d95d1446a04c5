using System.Net;
using System.Net.Sockets;
using PayoutManager.Woody;

namespace PayoutManager.Infrastructure.Woody;

/// <summary>Tells whether a dependency listens. Its protocol has no call that asks for nothing.</summary>
public static class DependencyProbe
{
    /// <summary>What keeps it out of reach; null if it accepts a connection at one of its addresses.</summary>
    public static async Task<string?> FindFaultAsync(Uri url, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await new HappyEyeballs().ConnectAsync(new DnsEndPoint(url.IdnHost, url.Port), cancellationToken);
            return null;
        }
        catch (SocketException e)
        {
            // The code alone: the message lists addresses, which are nobody's business here.
            return $"out of reach: {e.SocketErrorCode}";
        }
    }
}
