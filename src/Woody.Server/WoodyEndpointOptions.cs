using Microsoft.AspNetCore.Http;

namespace PayoutManager.Woody.Server;

/// <summary>How a service is reached and how much it takes.</summary>
public sealed record WoodyEndpointOptions
{
    /// <summary>The only path that is served.</summary>
    public required string Path { get; init; }

    /// <summary>The service's name in metrics and traces.</summary>
    public required string Service { get; init; }

    /// <summary>The largest body in bytes. Default 1 MiB.</summary>
    public int MaxBodySize { get; init; } = 1 << 20;

    /// <summary>Lets calls in. Default: one of its own, with its defaults.</summary>
    public CallGate Gate { get; init; } = new();

    /// <summary>Why a caller may not make a call of a method; null if it may. Default: everybody may.</summary>
    public Func<HttpContext, string, string?> Refuse { get; init; } = (_, _) => null;

    /// <summary>How long a call without a deadline of its own may take. Default 30 s.</summary>
    public TimeSpan DefaultDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// What to answer to an exception that a handler lets through; null to have it logged and answered as an unexpected
    /// error.
    /// </summary>
    public Func<Exception, WoodyError?> Sort { get; init; } = _ => null;
}
