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

    /// <summary>Makes an operation the new owner's if its lease has run out; null if it has not, or is gone.</summary>
    Task<Operation?> TakeOverAsync(
        PayoutId payoutId,
        string owner,
        TimeSpan lease,
        CancellationToken cancellationToken);

    /// <summary>Lets the lease run anew from now; false if the operation is no longer the owner's.</summary>
    Task<bool> RenewAsync(Operation operation, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Lets the lease end now, so that anybody may take the operation over at once.</summary>
    Task ReleaseAsync(Operation operation, CancellationToken cancellationToken);

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
    /// <param name="spentAttempts">
    /// How many attempts' plan ids are spent and must never be used again, so that the next create or cancel of this id begins with the
    /// attempt after them; 0 forgets the operation altogether.
    /// </param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<bool> AbandonAsync(Operation operation, int spentAttempts, CancellationToken cancellationToken);

    /// <summary>Payouts whose operation's lease has run out, those that wait longest first.</summary>
    Task<IReadOnlyList<PayoutId>> ListExpiredAsync(int limit, CancellationToken cancellationToken);
}
