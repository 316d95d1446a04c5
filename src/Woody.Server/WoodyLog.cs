using System.Net;
using Microsoft.Extensions.Logging;

namespace PayoutManager.Woody.Server;

internal static partial class WoodyLog
{
    [LoggerMessage(40, LogLevel.Information, "{Method} of {PayoutId} by {Actor} answered {Status} ({Outcome}) in {Milliseconds:F1} ms, trace {WoodyTraceId}")]
    public static partial void Served(
        ILogger logger, string method, string payoutId, string actor, int status, string outcome, double milliseconds, string woodyTraceId);

    [LoggerMessage(41, LogLevel.Error, "{Method} failed unexpectedly")]
    public static partial void Failed(ILogger logger, string method, Exception reason);

    [LoggerMessage(42, LogLevel.Warning, "{Method} is refused to {Actor} at {Address}: {Reason}")]
    public static partial void Refused(ILogger logger, string method, string actor, IPAddress? address, string reason);
}
