using System.Diagnostics;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Domain.Ledger;

/// <summary>
/// Postings that the ledger holds together and then commits or rolls back for good: one batch, named by the plan's id.
/// A plan id that was rolled back is spent, so each further attempt has a name of its own.
/// </summary>
[DebuggerDisplay("{Id}: {Postings.Count} postings")]
public sealed class LedgerPlan
{
    /// <summary>The id of a plan's only batch.</summary>
    public const long BatchId = 1;

    private LedgerPlan(string id, IReadOnlyList<LedgerPosting> postings)
    {
        Id = id;
        Postings = postings;
    }

    /// <summary>The plan's name in the ledger.</summary>
    public string Id { get; }

    /// <summary>A posting for each posting of the cash flow, in its order.</summary>
    public IReadOnlyList<LedgerPosting> Postings { get; }

    /// <summary>
    /// The plan that carries a payout out: <c>payout_ID</c>, from the second attempt on <c>payout#N_ID</c>. No payout
    /// id can make a first attempt's name look like a later one's.
    /// </summary>
    /// <param name="payoutId">The payout.</param>
    /// <param name="cashFlow">Its postings; those without details are described as <c>PAYOUT-ID</c>.</param>
    /// <param name="attempt">From 1.</param>
    public static LedgerPlan Hold(PayoutId payoutId, CashFlow cashFlow, int attempt) =>
        new(
            HoldId(payoutId, attempt),
            [.. cashFlow.Select(posting => new LedgerPosting(
                posting.Source.Id,
                posting.Destination.Id,
                posting.Volume,
                posting.Details ?? $"PAYOUT-{payoutId}"))]);

    /// <summary>
    /// The plan that gives a confirmed payout's money back: <c>revert_payout_ID</c>, from the second attempt on
    /// <c>revert#N_payout_ID</c>; the cash flow's postings with source and destination swapped.
    /// </summary>
    /// <param name="payoutId">The payout.</param>
    /// <param name="cashFlow">Its postings.</param>
    /// <param name="attempt">From 1.</param>
    public static LedgerPlan Revert(PayoutId payoutId, CashFlow cashFlow, int attempt) =>
        new(
            RevertId(payoutId, attempt),
            [.. cashFlow.Select(posting => new LedgerPosting(
                posting.Destination.Id,
                posting.Source.Id,
                posting.Volume,
                $"Revert payout: {payoutId}"))]);

    /// <summary>A plan as the ledger has it, whatever its name and its postings.</summary>
    public static LedgerPlan Restore(string id, IEnumerable<LedgerPosting> postings) => new(id, [.. postings]);

    /// <summary>The name of the plan of <see cref="Hold"/>.</summary>
    /// <param name="payoutId">The payout.</param>
    /// <param name="attempt">From 1.</param>
    public static string HoldId(PayoutId payoutId, int attempt) => Name("payout", attempt, payoutId.Value);

    /// <summary>The name of the plan of <see cref="Revert"/>.</summary>
    /// <param name="payoutId">The payout.</param>
    /// <param name="attempt">From 1.</param>
    public static string RevertId(PayoutId payoutId, int attempt) => Name("revert", attempt, $"payout_{payoutId}");

    private static string Name(string purpose, int attempt, string subject)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(attempt);
        return attempt == 1 ? $"{purpose}_{subject}" : $"{purpose}#{attempt}_{subject}";
    }
}
