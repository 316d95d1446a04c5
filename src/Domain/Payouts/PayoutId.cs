namespace PayoutManager.Domain.Payouts;

/// <summary>
/// Names a payout, for the caller, the ledger and the topic: 1 to 256 characters, no control characters.
/// </summary>
/// <seealso cref="Identifier"/>
public sealed record PayoutId
{
    /// <summary>Takes an identifier as it is.</summary>
    /// <exception cref="ArgumentException"><paramref name="value"/> breaks the rule of <see cref="Identifier"/>.</exception>
    public PayoutId(string value) => Value = Identifier.Require(value, nameof(value));

    /// <summary>The identifier's text.</summary>
    public string Value { get; }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
