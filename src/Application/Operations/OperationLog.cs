using Microsoft.Extensions.Logging;

namespace PayoutManager.Application.Operations;

internal static partial class OperationLog
{
    [LoggerMessage(1, LogLevel.Error, "The ledger refused plan {PlanId} of payout {PayoutId}: somebody else moved it, or an account is unknown: {Reason}")]
    public static partial void PlanRefused(ILogger logger, string planId, string payoutId, string reason);

    [LoggerMessage(2, LogLevel.Critical, "Plan {PlanId} of payout {PayoutId} was committed by somebody else while its creation was undone: {Reason}")]
    public static partial void PlanMovedByOthers(ILogger logger, string planId, string payoutId, string reason);

    [LoggerMessage(3, LogLevel.Information, "Recovered operation {Intent} of payout {PayoutId}, attempt {Attempt}")]
    public static partial void Recovered(ILogger logger, string intent, string payoutId, int attempt);

    [LoggerMessage(4, LogLevel.Warning, "Could not recover operation {Intent} of payout {PayoutId}, attempt {Attempt}; will try again: {Reason}")]
    public static partial void NotRecovered(ILogger logger, string intent, string payoutId, int attempt, string reason, Exception? unexpected);

    [LoggerMessage(5, LogLevel.Warning, "Could not look for operations to recover; will try again: {Reason}")]
    public static partial void ScanFailed(ILogger logger, string reason, Exception? unexpected);
}
