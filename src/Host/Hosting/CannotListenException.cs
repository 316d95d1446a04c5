using System.Net;
using System.Net.Sockets;

namespace PayoutManager.Host.Hosting;

/// <summary>An endpoint's address is taken, forbidden, or not one of this machine's. The message names endpoint and address.</summary>
internal sealed class CannotListenException : Exception
{
    private CannotListenException(IEnumerable<string> faults, Exception? cause = null)
        : base($"The host cannot start:\n{string.Join('\n', faults.Select(fault => $"  {fault}"))}", cause)
    {
    }

    /// <summary>Looks whether endpoints can be listened at, before anything is started or migrated by a host that cannot serve.</summary>
    /// <param name="urls">The addresses by the keys that have them.</param>
    /// <exception cref="CannotListenException">Some cannot.</exception>
    public static void ThrowIfTaken(IEnumerable<(string Key, string Url)> urls)
    {
        if (FaultsOf(urls).ToList() is not [] and var faults)
            throw new CannotListenException(faults);
    }

    /// <summary>Finds out which endpoints it is that cannot be listened at: Kestrel names none of them, and not always an address.</summary>
    /// <param name="cause">What the server has thrown, which listens no more.</param>
    /// <param name="urls">The addresses by the keys that have them.</param>
    public static CannotListenException Of(Exception cause, IEnumerable<(string Key, string Url)> urls) =>
        // Who had an address may have left it since.
        new(FaultsOf(urls).DefaultIfEmpty(cause.Message), cause);

    private static IEnumerable<string> FaultsOf(IEnumerable<(string Key, string Url)> urls) =>
        from endpoint in urls
        let fault = FaultOf(BindingAddress.Parse(endpoint.Url))
        where fault is not null
        select $"{endpoint.Key}: cannot listen at {endpoint.Url}: {fault}";

    private static string? FaultOf(BindingAddress address)
    {
        if (address.Host != "localhost")
        {
            var everywhere = Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;
            return Listen(IPAddress.TryParse(address.Host, out var ip) ? ip : everywhere, address.Port)?.Message;
        }

        // It is two addresses. One that the machine does not have is done without, one that is taken is not.
        var first = Listen(IPAddress.Loopback, address.Port);
        var second = Socket.OSSupportsIPv6 ? Listen(IPAddress.IPv6Loopback, address.Port) : null;
        return (second?.SocketErrorCode == SocketError.AddressAlreadyInUse ? second : first)?.Message;
    }

    private static SocketException? Listen(IPAddress address, int port)
    {
        try
        {
            using var listener = new TcpListener(address, port);
            if (address.Equals(IPAddress.IPv6Any))
                listener.Server.DualMode = true;
            listener.Start();
            return null;
        }
        catch (SocketException e)
        {
            return e;
        }
    }
}
