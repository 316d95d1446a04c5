using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace PayoutManager.Domain.Parties;

/// <summary>
/// Names a shop of a party: 1 to 256 characters, no control characters.
/// </summary>
/// <seealso cref="Identifier"/>
[JsonConverter(typeof(TextJsonConverter<ShopId>))]
public sealed record ShopId : IParsable<ShopId>
{
    /// <summary>Takes an identifier as it is.</summary>
    /// <exception cref="ArgumentException"><paramref name="value"/> breaks the rule of <see cref="Identifier"/>.</exception>
    public ShopId(string value) => Value = Identifier.Require(value, nameof(value));

    private ShopId() => Value = "";

    /// <summary>The identifier's text.</summary>
    public string Value { get; private init; }

    /// <summary>An identifier as it was stored before, whatever the rules were then.</summary>
    public static ShopId Restore(string value) => new() { Value = value };

    /// <summary>Takes an identifier as it is.</summary>
    /// <exception cref="FormatException">The text breaks the rule of <see cref="Identifier"/>; the message says how.</exception>
    public static ShopId Parse(string s, IFormatProvider? provider = null) =>
        Identifier.Fault(s) is { } fault ? throw new FormatException($"'{s}' is no ShopId: {fault}.") : new ShopId(s);

    /// <summary>Takes an identifier as it is; false if the text breaks the rule of <see cref="Identifier"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out ShopId result)
    {
        result = Identifier.Fault(s) is null ? new ShopId(s!) : null;
        return result is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
