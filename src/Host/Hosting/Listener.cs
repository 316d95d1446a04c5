using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace PayoutManager.Host.Hosting;

/// <summary>
/// Marks each connection by the listener that took it. A port or a Host header would not do: the one may be shared or
/// mapped, the other is the caller's to choose.
/// </summary>
internal sealed record Listener(string Name)
{
    public static void Mark(ListenOptions options, string name)
    {
        var listener = new Listener(name);
        options.Use(next => connection =>
        {
            connection.Features.Set(listener);
            return next(connection);
        });
    }

    public static bool Took(HttpContext http, string name) => http.Features.Get<Listener>()?.Name == name;
}
