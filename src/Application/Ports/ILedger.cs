using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Ledger;

namespace PayoutManager.Application.Ports;

/// <summary>The double-entry ledger. Hold, commit and rollback are idempotent, and repeated here while it helps.</summary>
/// <remarks>
/// Every method throws <see cref="LedgerRefusedException"/> where the ledger refuses the call, in whichever form it says so;
/// <see cref="NotDoneException"/> where no try can have had an effect when the time was up; and
/// <see cref="OutcomeUnknownException"/> where one may have had: its answer was lost, or the ledger failed.
/// </remarks>
public interface ILedger
{
    /// <summary>Sets a plan's money aside.</summary>
    /// <returns>The ledger's state that includes the hold.</returns>
    Task<LedgerClock> HoldAsync(LedgerPlan plan, CancellationToken cancellationToken);

    /// <summary>Moves a held plan's money for good.</summary>
    Task CommitAsync(LedgerPlan plan, CancellationToken cancellationToken);

    /// <summary>Gives a held plan's money back for good.</summary>
    Task RollbackAsync(LedgerPlan plan, CancellationToken cancellationToken);

    /// <summary>
    /// What an account has when everything held out of it has left, in minor units, seen no earlier than the clock.
    /// </summary>
    Task<long> GetMinAvailableAmountAsync(long accountId, LedgerClock clock, CancellationToken cancellationToken);

    /// <summary>
    /// Whether the ledger answers at all: asked once, without repeats. Tells an operation that the ledger does not carry out from a
    /// ledger that carries out none. Never throws.
    /// </summary>
    Task<bool> AnswersAsync(CancellationToken cancellationToken);
}

/// <summary>A state of the ledger that can be named again. Its contents are the ledger's own affair.</summary>
/// <param name="State">What the ledger gave; null for its latest state.</param>
public sealed record LedgerClock(byte[]? State);
