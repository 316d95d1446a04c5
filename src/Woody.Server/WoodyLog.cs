using Microsoft.Extensions.Logging;

namespace PayoutManager.Woody.Server;

internal static partial class WoodyLog
{
    [LoggerMessage(40, LogLevel.Information, "{Method} of {PayoutId} by {Actor} answered {Status} ({Outcome}) in {Milliseconds:F1} ms, trace {TraceId}")]
    public static partial void Served(
        ILogger logger, string method, string payoutId, string actor, int status, string outcome, double milliseconds, string traceId);

    [LoggerMessage(41, LogLevel.Error, "{Method} failed unexpectedly")]
    public static partial void Failed(ILogger logger, string method, Exception reason);
}
