namespace PayoutManager.Domain.Parties;

/// <summary>
/// Names a party, the merchant that owns shops and contracts: 1 to 256 characters, no control characters.
/// </summary>
/// <seealso cref="Identifier"/>
public sealed record PartyId
{
    /// <summary>Takes an identifier as it is.</summary>
    /// <exception cref="ArgumentException"><paramref name="value"/> breaks the rule of <see cref="Identifier"/>.</exception>
    public PartyId(string value) => Value = Identifier.Require(value, nameof(value));

    /// <summary>The identifier's text.</summary>
    public string Value { get; }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
