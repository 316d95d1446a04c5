using System.Collections;
using System.Diagnostics;
using PayoutManager.Domain.Money;

namespace PayoutManager.Domain.CashFlows;

/// <summary>The postings that carry out a payout, in the order in which PartyManagement gave them. Equal by contents.</summary>
[DebuggerDisplay("{Count} postings")]
public sealed class CashFlow : IReadOnlyList<CashFlowPosting>, IEquatable<CashFlow>
{
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

    /// <summary>The first posting whose amount is over <see cref="Cash.MaxAmount"/>, in words; null if there is none.</summary>
    public string? AmountFault() => _postings
        .Select((posting, place) => Cash.AmountFault(posting.Volume.Amount) is { } fault ? $"posting {place + 1} {fault}" : null)
        .FirstOrDefault(fault => fault is not null);

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
