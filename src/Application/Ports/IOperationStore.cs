using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Ports;

/// <summary>
/// Keeps operations, at most one for each payout, under leases that only the database's clock measures. Whoever acts on
/// an operation names itself and the attempt; once either is no longer the stored one, nothing is written.
/// </summary>
/// <remarks>
/// Every method throws <see cref="NotDoneException"/> where nothing was written: the database was not reached, or refused by an error
/// of the short list that proves it. On every other failure it throws <see cref="OutcomeUnknownException"/>.
/// </remarks>
public interface IOperationStore
{
    /// <summary>
    /// Writes an operation down, then looks, in the same transaction, whether the payout is still as the caller knows it.
    /// </summary>
    /// <param name="payoutId">The payout to change.</param>
    /// <param name="intent">What is to be done.</param>
    /// <param name="expectedSequenceId">The payout's sequence id as known; null if it must not exist.</param>
    /// <param name="owner">A name that nobody else uses.</param>
    /// <param name="actor">Who asks for it; null if nobody said.</param>
    /// <param name="lease">How long the operation is the owner's, from now.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<Intended> IntendAsync(
        PayoutId payoutId,
        OperationIntent intent,
        int? expectedSequenceId,
        string owner,
        Actor? actor,
        TimeSpan lease,
        CancellationToken cancellationToken);

    /// <summary>
    /// Makes an operation the new owner's if its lease has run out; null if it has not, if the operation is gone, or if somebody else
    /// is changing it at this moment. Never waits for another's lock.
    /// </summary>
    /// <param name="payoutId">The payout.</param>
    /// <param name="owner">A name that nobody else uses.</param>
    /// <param name="lease">How long the operation is the owner's, from now.</param>
    /// <param name="ignorePause">Whether to take it also while recovery is to leave it alone after a failed try.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<Operation?> TakeOverAsync(
        PayoutId payoutId,
        string owner,
        TimeSpan lease,
        bool ignorePause,
        CancellationToken cancellationToken);

    /// <summary>Lets the lease run anew from now; false if the operation is no longer the owner's.</summary>
    Task<bool> RenewAsync(Operation operation, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>
    /// Lets the lease end now, so that anybody may take the operation over at once; false if it is no longer the owner's.
    /// </summary>
    /// <param name="operation">The operation.</param>
    /// <param name="failure">What went wrong, to be stored with it; null where nothing did.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<bool> ReleaseAsync(Operation operation, FailedTry? failure, CancellationToken cancellationToken);

    /// <summary>
    /// Notes, before the ledger hears of it, that the operation goes on as another attempt; null if it is no longer the
    /// owner's.
    /// </summary>
    Task<Operation?> AdvanceAsync(Operation operation, OperationIntent intent, CancellationToken cancellationToken);

    /// <summary>
    /// In one transaction: writes the payout (compare-and-set on the sequence id before it; with a new one the digest of its request),
    /// inserts its event with the operation's actor, deletes the operation. False, with nothing written, if the operation is no
    /// longer the owner's.
    /// </summary>
    Task<bool> ApplyAsync(Operation operation, PayoutEvent change, CancellationToken cancellationToken);

    /// <summary>
    /// Ends an operation that had no effect. False, with nothing written, if the operation is no longer the owner's.
    /// </summary>
    /// <param name="operation">The operation.</param>
    /// <param name="note">What is left in its place.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<bool> AbandonAsync(Operation operation, AttemptNote note, CancellationToken cancellationToken);

    /// <summary>Operations whose lease has run out, those due for longest first.</summary>
    /// <param name="after">Where to go on: after the last one of the page before, or at an instant; null for all.</param>
    /// <param name="ignorePauses">Whether to list those, too, that are to be left alone for a while after a failed try.</param>
    /// <param name="limit">How many at the most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<DuePage> ListDueAsync(DuePosition? after, bool ignorePauses, int limit, CancellationToken cancellationToken);
}

/// <summary>A try to finish an operation that failed.</summary>
/// <param name="Error">Why, in words.</param>
/// <param name="Pause">How long recovery leaves the operation alone; null where the try does not count as one of recovery's.</param>
public sealed record FailedTry(string Error, TimeSpan? Pause);

/// <summary>An operation that may be taken over.</summary>
/// <param name="Position">Its place in the order in which operations are due.</param>
/// <param name="FailedTries">How many times recovery has failed to finish it. An operation with any is called troubled.</param>
public sealed record DueOperation(DuePosition Position, int FailedTries)
{
    /// <summary>The payout.</summary>
    public PayoutId PayoutId => PayoutId.Restore(Position.PayoutId);
}

/// <summary>A place in the order in which operations are due.</summary>
/// <param name="At">Since when, by the database's clock: the end of the lease or, if later, of the pause after a failed try.</param>
/// <param name="PayoutId">The payout; empty for the place before all that are due at that instant.</param>
public readonly record struct DuePosition(DateTimeOffset At, string PayoutId = "");

/// <summary>A page of operations that may be taken over.</summary>
/// <param name="Operations">The operations, in order.</param>
/// <param name="Now">The database's time at which they were listed.</param>
public sealed record DuePage(IReadOnlyList<DueOperation> Operations, DateTimeOffset Now);
