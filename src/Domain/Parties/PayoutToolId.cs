using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace PayoutManager.Domain.Parties;

/// <summary>
/// Names a payout tool of a contract: where a merchant's money goes: 1 to 256 characters, no control characters.
/// </summary>
/// <seealso cref="Identifier"/>
[JsonConverter(typeof(TextJsonConverter<PayoutToolId>))]
public sealed record PayoutToolId : IParsable<PayoutToolId>
{
    /// <summary>Takes an identifier as it is.</summary>
    /// <exception cref="ArgumentException"><paramref name="value"/> breaks the rule of <see cref="Identifier"/>.</exception>
    public PayoutToolId(string value) => Value = Identifier.Require(value, nameof(value));

    private PayoutToolId() => Value = "";

    /// <summary>The identifier's text.</summary>
    public string Value { get; private init; }

    /// <summary>An identifier as it was stored before, whatever the rules were then.</summary>
    public static PayoutToolId Restore(string value) => new() { Value = value };

    /// <summary>Takes an identifier as it is.</summary>
    /// <exception cref="FormatException">The text breaks the rule of <see cref="Identifier"/>; the message says how.</exception>
    public static PayoutToolId Parse(string s, IFormatProvider? provider = null) =>
        Identifier.Fault(s) is { } fault ? throw new FormatException($"'{s}' is no PayoutToolId: {fault}.") : new PayoutToolId(s);

    /// <summary>Takes an identifier as it is; false if the text breaks the rule of <see cref="Identifier"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out PayoutToolId result)
    {
        result = Identifier.Fault(s) is null ? new PayoutToolId(s!) : null;
        return result is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
