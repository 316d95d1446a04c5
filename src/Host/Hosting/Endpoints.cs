using Microsoft.AspNetCore.Server.Kestrel.Core;
using PayoutManager.Host.Configuration;

namespace PayoutManager.Host.Hosting;

/// <summary>Where this host listens, once it does.</summary>
internal sealed class Endpoints(IConfiguration configuration)
{
    private readonly Dictionary<string, ListenOptions> _listeners = [];

    public void Add(string name, ListenOptions listener) => _listeners[name] = listener;

    /// <summary>An endpoint's address as it is configured, with the port that was found for it where that is 0.</summary>
    public string AddressOf(string name)
    {
        var (address, port) = Find(name);
        return $"{address.Scheme}://{address.Host}:{port}";
    }

    /// <summary>Where an endpoint is called on this machine.</summary>
    public Uri UrlOf(string name)
    {
        var (address, port) = Find(name);
        var host = address.Host is "*" or "+" or "0.0.0.0" or "[::]" ? "localhost" : address.Host;
        return new Uri($"{address.Scheme}://{host}:{port}/");
    }

    private (BindingAddress Address, int Port) Find(string name)
    {
        var configured = BindingAddress.Parse(configuration[HostSettings.UrlKeyOf(name)]!);
        return (configured, configured.Port == 0 ? _listeners[name].IPEndPoint!.Port : configured.Port);
    }
}
