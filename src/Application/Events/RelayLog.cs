using Microsoft.Extensions.Logging;

namespace PayoutManager.Application.Events;

internal static partial class RelayLog
{
    [LoggerMessage(21, LogLevel.Error, "Events could not be sent, {Count} since the last such line; each is tried again and keeps back the payout's later events. The latest is event {SequenceId} of payout {PayoutId}: {Reason}")]
    public static partial void CannotSend(ILogger logger, int count, int sequenceId, string payoutId, string reason);

    [LoggerMessage(22, LogLevel.Warning, "The relay stopped before everything on its way was acknowledged; the next host sends it again: {Reason}")]
    public static partial void ClosedLate(ILogger logger, string reason, Exception? unexpected);

    [LoggerMessage(23, LogLevel.Warning, "The relay closed its connection to the broker with {Count} events on their way, which are sent again: {Reason}")]
    public static partial void SessionClosed(ILogger logger, int count, string reason);
}
