using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Ledger;

namespace PayoutManager.Application.Ports;

/// <summary>The ledger's own records, read without asking the ledger. Present only where an operator grants a look at them.</summary>
public interface ILedgerRecords
{
    /// <summary>The plans of these names, by name; those that the ledger does not know are left out. One snapshot of all.</summary>
    /// <param name="planIds">The names.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="NotDoneException">The records cannot be read.</exception>
    Task<IReadOnlyDictionary<string, RecordedPlan>> ReadAsync(IReadOnlyCollection<string> planIds, CancellationToken cancellationToken);
}

/// <summary>What state the ledger keeps a plan in.</summary>
public enum RecordedState
{
    /// <summary>The money is set aside.</summary>
    Held,

    /// <summary>The money has moved, for good.</summary>
    Committed,

    /// <summary>The money was given back, for good.</summary>
    RolledBack,
}

/// <summary>A plan as the ledger keeps it.</summary>
/// <param name="State">Its state.</param>
/// <param name="Postings">What was held, in any order.</param>
/// <param name="IsOneBatch">Whether all of it is in the batch <see cref="LedgerPlan.BatchId"/>, as every plan of ours is.</param>
public sealed record RecordedPlan(RecordedState State, IReadOnlyList<LedgerPosting> Postings, bool IsOneBatch = true);
