using Microsoft.Extensions.Logging;

namespace PayoutManager.Application.Audit;

internal static partial class AuditLog
{
    [LoggerMessage(30, LogLevel.Warning, "Repaired payout {PayoutId}: {Action} {PlanId}")]
    public static partial void Repaired(ILogger logger, string payoutId, RepairAction action, string planId);

    [LoggerMessage(31, LogLevel.Error, "Payout {PayoutId}, {Kind}: {Description}")]
    public static partial void Disagrees(ILogger logger, string payoutId, DisagreementKind kind, string description);

    [LoggerMessage(32, LogLevel.Warning, "The audit could not be finished; will try again: {Reason}")]
    public static partial void NotFinished(ILogger logger, string reason, Exception? unexpected);
}
