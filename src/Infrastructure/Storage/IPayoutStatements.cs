using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>What every call asks of the database, each at once or not at all.</summary>
internal interface IPayoutStatements
{
    /// <summary>A payout with its postings, of one moment; null if there is none.</summary>
    Task<Payout?> FindAsync(string payoutId, CancellationToken cancellationToken);

    /// <inheritdoc cref="IPayoutStore.FindRequestDigestAsync"/>
    Task<string?> FindRequestDigestAsync(string payoutId, CancellationToken cancellationToken);

    /// <summary>The operation that is under way on a payout; null if there is none.</summary>
    Task<Occupant?> FindOperationAsync(string payoutId, CancellationToken cancellationToken);

    /// <summary>
    /// Inserts an operation, or puts it in the place of a note of spent attempts, and then looks at the payout: unless its sequence
    /// id is the expected one, all is as it was before.
    /// </summary>
    /// <param name="operation">The operation; its attempt is found here.</param>
    /// <param name="expectedSequenceId">The payout's sequence id; null if there must be no payout.</param>
    /// <param name="lease">How long it is its owner's.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<Insertion> TryInsertAsync(
        OperationRow operation, int? expectedSequenceId, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>
    /// Ends an operation, writes the payout as it now is, and inserts its event into history and outbox. False, with nothing written, if there is no such
    /// operation, or the payout is not as it was before the change.
    /// </summary>
    Task<bool> TryApplyAsync(Operation operation, Payout payout, EventRow change, CancellationToken cancellationToken);

    /// <inheritdoc cref="IOperationStore.TakeOverAsync"/>
    Task<OperationRow?> TakeOverAsync(
        string payoutId, string owner, TimeSpan lease, bool ignorePause, CancellationToken cancellationToken);

    /// <summary>Lets the owner's lease run anew; false if the operation is not the owner's.</summary>
    Task<bool> RenewAsync(string payoutId, string owner, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Ends the owner's lease, and stores a failed try; false if the operation is not the owner's.</summary>
    Task<bool> ReleaseAsync(string payoutId, string owner, FailedTry? failure, CancellationToken cancellationToken);

    /// <summary>Makes the owner's operation its next attempt; false if the owner or the attempt is not the stored one.</summary>
    /// <param name="operation">The operation as it was.</param>
    /// <param name="request">What is to be done from now on.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<bool> AdvanceAsync(Operation operation, string request, CancellationToken cancellationToken);

    /// <summary>
    /// Removes the owner's operation, and leaves a note in its place where there is anything to note; false if the owner or the attempt is
    /// not the stored one.
    /// </summary>
    Task<bool> AbandonAsync(Operation operation, AttemptNote note, CancellationToken cancellationToken);

    /// <inheritdoc cref="IEventOutbox.ReadAsync"/>
    Task<OutboxPage> ReadOutboxAsync(OutboxQuery query, CancellationToken cancellationToken);

    /// <inheritdoc cref="IEventOutbox.AcknowledgeAsync"/>
    /// <returns>How many there were.</returns>
    Task<int> AcknowledgeAsync(IReadOnlyCollection<OutboxEvent> events, CancellationToken cancellationToken);

    /// <inheritdoc cref="IPayoutHistory.SendAgainAsync"/>
    /// <returns>How many events.</returns>
    Task<int> SendAgainAsync(string payoutId, int fromSequenceId, CancellationToken cancellationToken);
}

/// <summary>An operation that is under way.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="LeaseRanOut">Whether its lease has run out.</param>
internal sealed record Occupant(OperationRow Operation, bool LeaseRanOut);

/// <summary>What came of inserting an operation.</summary>
/// <param name="Attempt">Which attempt it is; 0 if the payout has another operation.</param>
/// <param name="PayoutMoved">Whether the payout was not as expected.</param>
/// <param name="PlanWasRefused">As <see cref="Application.Operations.Operation.PlanWasRefused"/>.</param>
internal readonly record struct Insertion(int Attempt, bool PayoutMoved, bool PlanWasRefused);
