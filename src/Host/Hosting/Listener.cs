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

    /// <summary>
    /// Takes so many connections of this listener and closes those beyond at once. Kestrel's own limit is one for all
    /// listeners: a flood of callers would shut out whoever asks for this host's health.
    /// </summary>
    public static void Limit(ListenOptions options, int maxConnections)
    {
        var open = 0;
        options.Use(next => async connection =>
        {
            try
            {
                if (Interlocked.Increment(ref open) > maxConnections)
                    connection.Abort();
                else
                    await next(connection);
            }
            finally
            {
                Interlocked.Decrement(ref open);
            }
        });
    }

    public static bool Took(HttpContext http, string name) => http.Features.Get<Listener>()?.Name == name;
}
