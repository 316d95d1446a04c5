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

    /// <summary>
    /// Inserts an operation, or puts it in the place of a note of spent attempts, and then looks at the payout: unless its sequence
    /// id is the expected one, nothing is written.
    /// </summary>
    /// <param name="operation">The operation; its attempt is found here.</param>
    /// <param name="expectedSequenceId">The payout's sequence id; null if there must be no payout.</param>
    /// <param name="lease">How long it is its owner's.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<Insertion> TryInsertAsync(
        OperationRow operation, int? expectedSequenceId, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>
    /// Ends an operation, writes the payout as it now is, and inserts its event. False, with nothing written, if there is no such
    /// operation, or the payout is not as it was before the change.
    /// </summary>
    Task<bool> TryApplyAsync(Operation operation, Payout payout, EventRow outboxEvent, CancellationToken cancellationToken);

    /// <summary>Of each payout the first event that is not published, in order of id.</summary>
    Task<IReadOnlyList<OutboxEvent>> ReadUnpublishedAsync(long afterId, int limit, CancellationToken cancellationToken);

    /// <summary>Notes that events are published.</summary>
    /// <returns>How many.</returns>
    Task<int> MarkPublishedAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken);
}

/// <summary>What came of inserting an operation.</summary>
/// <param name="Attempt">Which attempt it is; 0 if the payout has another operation.</param>
/// <param name="PayoutMoved">Whether the payout was not as expected.</param>
internal readonly record struct Insertion(int Attempt, bool PayoutMoved);
