using Microsoft.Extensions.Logging;

namespace PayoutManager.Application.Audit;

internal static partial class AuditLog
{
    [LoggerMessage(30, LogLevel.Warning, "Repaired payout {PayoutId}: {Repair}; asked for by {Actor}: {Reason}")]
    public static partial void Repaired(ILogger logger, string payoutId, string repair, string actor, string? reason);

    [LoggerMessage(31, LogLevel.Error, "Payout {PayoutId}, {Kind}: {Description}")]
    public static partial void Disagrees(ILogger logger, string payoutId, DisagreementKind kind, string description);

    [LoggerMessage(33, LogLevel.Error, "Could not repair payout {PayoutId}: {Repair}; asked for by {Actor}: {Reason}: {Failure}")]
    public static partial void NotRepaired(
        ILogger logger, string payoutId, string repair, string actor, string? reason, string failure, Exception? unexpected);

    [LoggerMessage(35, LogLevel.Error, "It is not known whether payout {PayoutId} was repaired: {Repair}; asked for by {Actor}: {Reason}: {Failure}")]
    public static partial void RepairUnknown(
        ILogger logger, string payoutId, string repair, string actor, string? reason, string failure, Exception? unexpected);

    [LoggerMessage(34, LogLevel.Warning, "The ledger gave no answer that tells of payout {PayoutId}; will ask again: {Reason}")]
    public static partial void NotAnswered(ILogger logger, string payoutId, string? reason);
}
