using System.Net;
using System.Net.Sockets;
using PayoutManager.Woody;

namespace PayoutManager.Infrastructure.Woody;

/// <summary>
/// Tells whether a dependency answers, and whether it carries out what it is asked for. Its protocol has no call that asks for nothing, so
/// it is asked for its <c>OPTIONS</c>: that a connection is accepted says little, since the system does so for a process that hangs.
/// </summary>
public sealed class DependencyProbe(DependencyOptions options, TimeProvider clock) : IDisposable
{
    /// <summary>The name by which services have the one of PartyManagement.</summary>
    public const string PartyManagement = "PartyManagement";

    /// <summary>The name by which services have the one of Shumway.</summary>
    public const string Shumway = "Shumway";

    // Fewer may be the fault of what was asked for.
    private const int Telling = 3;

    // Who waits for an answer tries again within a second.
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(3);

    private readonly HttpClient _http = DependencyHttp.Create(options);
    private readonly Lock _lock = new();
    private int _failures;
    private long _failedAt;
    private string _failure = "";

    /// <summary>What keeps it out of reach or from its work, in words; null if nothing does.</summary>
    public async Task<string?> FindFaultAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Options, options.Url);
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return answer.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
                ? $"out of reach: HTTP {(int)answer.StatusCode}"
                : FindFailure();
        }
        catch (HttpRequestException e)
        {
            // Codes alone: messages list addresses, which are nobody's business here.
            return $"out of reach: {(e.GetBaseException() is SocketException socket ? $"{socket.SocketErrorCode}" : $"{e.HttpRequestError}")}";
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>A call was carried out or refused.</summary>
    internal void Answered()
    {
        lock (_lock)
            _failures = 0;
    }

    /// <summary>A call was neither.</summary>
    internal void Failed(WoodyCallException e)
    {
        lock (_lock)
        {
            _failures++;
            _failedAt = clock.GetTimestamp();
            _failure = e.HttpStatus is { } status ? $"HTTP {status}" : "no answer";
        }
    }

    private string? FindFailure()
    {
        lock (_lock)
            return _failures >= Telling && clock.GetElapsedTime(_failedAt) < Remembered ? $"fails every call: {_failure}" : null;
    }
}
