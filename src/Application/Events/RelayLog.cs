using Microsoft.Extensions.Logging;

namespace PayoutManager.Application.Events;

internal static partial class RelayLog
{
    [LoggerMessage(21, LogLevel.Error, "Event {SequenceId} of payout {PayoutId} could not be sent; it is tried again and keeps back the payout's later events: {Reason}")]
    public static partial void CannotSend(ILogger logger, string payoutId, int sequenceId, string reason);

    [LoggerMessage(22, LogLevel.Warning, "The relay stopped before everything on its way was acknowledged; the next host sends it again: {Reason}")]
    public static partial void ClosedLate(ILogger logger, string reason, Exception? unexpected);
}
