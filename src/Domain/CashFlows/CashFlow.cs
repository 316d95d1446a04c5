using System.Collections;
using System.Diagnostics;
using System.Globalization;
using PayoutManager.Domain.Money;

namespace PayoutManager.Domain.CashFlows;

/// <summary>The postings that carry out a payout, in the order in which PartyManagement gave them. Equal by contents.</summary>
[DebuggerDisplay("{Count} postings")]
public sealed class CashFlow : IReadOnlyList<CashFlowPosting>, IEquatable<CashFlow>
{
    /// <summary>
    /// The most that the postings of a cash flow may move together, in minor units: 2^60. The ledger's sums wrap at 64 bits without an
    /// error, and accounts hold the money of other payouts, too.
    /// </summary>
    public const long MaxTotal = 1L << 60;

    private readonly CashFlowPosting[] _postings;

    /// <summary>Takes postings as they are; a cash flow without any is possible, and moves nothing.</summary>
    public CashFlow(IEnumerable<CashFlowPosting> postings) => _postings = [.. postings];

    /// <inheritdoc/>
    public int Count => _postings.Length;

    /// <inheritdoc/>
    public CashFlowPosting this[int index] => _postings[index];

    /// <summary>What the merchant receives: Σ PayoutAmount − Σ PayoutFixedFee, in the currency asked for.</summary>
    /// <exception cref="OverflowException">The sum does not fit 64 bits.</exception>
    /// <exception cref="InvalidOperationException">One of these postings is in another currency.</exception>
    public Cash PayoutAmount(Currency currency) =>
        new(Total(PostingKind.PayoutAmount, currency) - Total(PostingKind.PayoutFixedFee, currency), currency);

    /// <summary>What the payout costs the merchant: Σ Fee + Σ PayoutFixedFee, in the currency asked for.</summary>
    /// <exception cref="OverflowException">The sum does not fit 64 bits.</exception>
    /// <exception cref="InvalidOperationException">One of these postings is in another currency.</exception>
    public Cash Fee(Currency currency) =>
        new(Total(PostingKind.Fee, currency) + Total(PostingKind.PayoutFixedFee, currency), currency);

    /// <summary>
    /// What is wrong with the amounts, in words; null if nothing is. No posting may be over <see cref="Cash.MaxAmount"/>, and all together
    /// not over <see cref="MaxTotal"/>.
    /// </summary>
    public string? AmountFault()
    {
        var total = Int128.Zero;
        for (var place = 0; place < _postings.Length; place++)
        {
            var amount = _postings[place].Volume.Amount;
            if (Cash.AmountFault(amount) is { } fault)
                return $"posting {place + 1} {fault}";
            total += amount;
        }

        return total <= MaxTotal
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"all postings together must be at most {MaxTotal} minor units, are {total}");
    }

    /// <inheritdoc/>
    public IEnumerator<CashFlowPosting> GetEnumerator() => ((IEnumerable<CashFlowPosting>)_postings).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(CashFlow? other) => other is not null && _postings.AsSpan().SequenceEqual(other._postings);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CashFlow);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var posting in _postings)
            hash.Add(posting);
        return hash.ToHashCode();
    }

    private long Total(PostingKind kind, Currency currency)
    {
        var total = 0L;
        foreach (var posting in _postings)
        {
            if (posting.Kind != kind)
                continue;
            if (posting.Volume.Currency != currency)
                throw new InvalidOperationException($"A {kind} posting is in {posting.Volume.Currency}, the payout in {currency}.");
            total += posting.Volume.Amount;
        }

        return total;
    }
}
