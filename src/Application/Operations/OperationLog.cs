using Microsoft.Extensions.Logging;

namespace PayoutManager.Application.Operations;

internal static partial class OperationLog
{
    private static readonly Func<ILogger, string, string?, IDisposable?> Scope =
        LoggerMessage.DefineScope<string, string?>("Actor:{Actor} PayoutId:{PayoutId}");

    /// <summary>Puts onto every line, whoever writes it, which operation it is of and who asked for that, until it is disposed of.</summary>
    public static IDisposable? Of(ILogger logger, Operation operation) => Scope(logger, operation.Actor?.Name ?? "-", operation.PayoutId.Value);

    [LoggerMessage(1, LogLevel.Error, "The ledger refused plan {PlanId} of payout {PayoutId} ({Kind}, asked for by {Actor}); the operation ends without effect: {Reason}")]
    public static partial void PlanRefused(ILogger logger, string planId, string payoutId, string kind, string? actor, string reason);

    [LoggerMessage(2, LogLevel.Error, "Operation {Intent} of payout {PayoutId}, asked for by {Actor}, has nothing left to do and is removed: {Reason}")]
    public static partial void NothingLeft(ILogger logger, string intent, string payoutId, string? actor, string reason);

    [LoggerMessage(3, LogLevel.Information, "Recovered operation {Intent} of payout {PayoutId}, attempt {Attempt}, asked for by {Actor}")]
    public static partial void Recovered(ILogger logger, string intent, string payoutId, int attempt, string? actor);

    [LoggerMessage(4, LogLevel.Warning, "Could not recover operation {Intent} of payout {PayoutId}, attempt {Attempt}, try {Try}, asked for by {Actor}; will try again: {Reason}")]
    public static partial void NotRecovered(
        ILogger logger, string intent, string payoutId, int attempt, int @try, string? actor, string reason, Exception? unexpected);

    [LoggerMessage(6, LogLevel.Warning, "Could not end or release the operation on payout {PayoutId}, asked for by {Actor}; recovery does it once the lease has run out: {Reason}")]
    public static partial void NotClosed(ILogger logger, string payoutId, string? actor, string reason, Exception? unexpected);

    [LoggerMessage(7, LogLevel.Warning, "Could not renew the lease of the operation on payout {PayoutId}, asked for by {Actor}: {Reason}")]
    public static partial void NotRenewed(ILogger logger, string payoutId, string? actor, string reason, Exception? unexpected);

    [LoggerMessage(8, LogLevel.Error, "The operation on payout {PayoutId}, asked for by {Actor}, stopped half-way and goes on by itself: {Reason}")]
    public static partial void Unexpected(ILogger logger, string payoutId, string? actor, string reason, Exception unexpected);

    [LoggerMessage(9, LogLevel.Error, "A change of payout {PayoutId} is stored, and a measurement of it failed")]
    public static partial void NotTold(ILogger logger, string payoutId, Exception unexpected);

    [LoggerMessage(11, LogLevel.Warning, "The operation on payout {PayoutId} ({Kind}, asked for by {Actor}) was ended by another host while this one slept; it is begun again, because a call of this host to the ledger may have taken effect since")]
    public static partial void Reopened(ILogger logger, string payoutId, string kind, string? actor);

    [LoggerMessage(12, LogLevel.Warning, "The ledger does not answer: recovery waits until it does")]
    public static partial void LedgerDown(ILogger logger);

    [LoggerMessage(13, LogLevel.Information, "The ledger answers again: recovery tries every operation at once")]
    public static partial void LedgerBack(ILogger logger);
}
