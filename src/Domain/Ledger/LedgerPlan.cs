using System.Buffers.Text;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Domain.Ledger;

/// <summary>
/// Postings that the ledger holds together and then commits or rolls back for good: one batch, named by the plan's id. A plan id
/// that was rolled back is spent, so each further attempt has its own name.
/// </summary>
[DebuggerDisplay("{Id}: {Postings.Count} postings")]
public sealed class LedgerPlan
{
    /// <summary>The id of a plan's only batch.</summary>
    public const long BatchId = 1;

    /// <summary>The most characters (Unicode code points) of a plan's name: the deployed ledger's column is that wide.</summary>
    public const int MaxNameLength = 64;

    private LedgerPlan(string id, IReadOnlyList<LedgerPosting> postings)
    {
        Id = id;
        Postings = postings;
    }

    /// <summary>The plan's name in the ledger.</summary>
    public string Id { get; }

    /// <summary>A posting for each posting of the cash flow, in its order.</summary>
    public IReadOnlyList<LedgerPosting> Postings { get; }

    /// <summary>The plan that carries a payout out; see <see cref="HoldId"/> for its name.</summary>
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
    /// The plan that gives a confirmed payout's money back: the cash flow's postings with source and destination swapped. See
    /// <see cref="RevertId"/> for its name.
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

    /// <summary>
    /// The name of the plan of <see cref="Hold"/>: <c>payout_ID</c>, from the second attempt on <c>payout#N_ID</c>. Where that would
    /// be longer than <see cref="MaxNameLength"/> it is <c>payout#N.HASH</c>, also for the first attempt.
    /// </summary>
    /// <param name="payoutId">The payout.</param>
    /// <param name="attempt">From 1.</param>
    public static string HoldId(PayoutId payoutId, int attempt) => Name("payout", attempt, payoutId.Value, payoutId);

    /// <summary>
    /// The name of the plan of <see cref="Revert"/>: <c>revert_payout_ID</c>, from the second attempt on <c>revert#N_payout_ID</c>.
    /// Where that would be longer than <see cref="MaxNameLength"/> it is <c>revert#N.HASH</c>, also for the first attempt.
    /// </summary>
    /// <param name="payoutId">The payout.</param>
    /// <param name="attempt">From 1.</param>
    public static string RevertId(PayoutId payoutId, int attempt) => Name("revert", attempt, $"payout_{payoutId}", payoutId);

    // No payout id can make one of these look like another: what follows the purpose is "_", "#N_" or "#N.".
    private static string Name(string purpose, int attempt, string subject, PayoutId payoutId)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(attempt);
        var name = attempt == 1 ? $"{purpose}_{subject}" : $"{purpose}#{attempt}_{subject}";
        return Fits(name) ? name : $"{purpose}#{attempt}.{Hash(payoutId)}";
    }

    private static bool Fits(string name) =>
        name.Length <= MaxNameLength || (name.Length <= 2 * MaxNameLength && name.EnumerateRunes().Count() <= MaxNameLength);

    /// <summary>SHA-256 of the id's UTF-8 as base64url without padding: 43 characters.</summary>
    private static string Hash(PayoutId payoutId) =>
        Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(payoutId.Value)));
}
