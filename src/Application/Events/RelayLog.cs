using Microsoft.Extensions.Logging;

namespace PayoutManager.Application.Events;

internal static partial class RelayLog
{
    [LoggerMessage(20, LogLevel.Warning, "The relay of events begins again from the table")]
    public static partial void BeginsAgain(ILogger logger, Exception reason);

    [LoggerMessage(21, LogLevel.Error, "Event {SequenceId} of payout {PayoutId} could not be sent; it is tried again and keeps back the payout's later events")]
    public static partial void CannotSend(ILogger logger, string payoutId, int sequenceId, Exception reason);

    [LoggerMessage(22, LogLevel.Warning, "The relay stopped before everything on its way was acknowledged; the next host sends it again")]
    public static partial void ClosedLate(ILogger logger, Exception reason);
}
