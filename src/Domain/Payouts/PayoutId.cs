using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace PayoutManager.Domain.Payouts;

/// <summary>
/// Names a payout, for the caller, the ledger and the topic: 1 to 256 characters, no control characters.
/// </summary>
/// <seealso cref="Identifier"/>
[JsonConverter(typeof(TextJsonConverter<PayoutId>))]
public sealed record PayoutId : IParsable<PayoutId>
{
    /// <summary>Takes an identifier as it is.</summary>
    /// <exception cref="ArgumentException"><paramref name="value"/> breaks the rule of <see cref="Identifier"/>.</exception>
    public PayoutId(string value) => Value = Identifier.Require(value, nameof(value));

    private PayoutId() => Value = "";

    /// <summary>The identifier's text.</summary>
    public string Value { get; private init; }

    /// <summary>An identifier as it was stored before, whatever the rules were then.</summary>
    public static PayoutId Restore(string value) => new() { Value = value };

    /// <summary>Takes an identifier as it is.</summary>
    /// <exception cref="FormatException">The text breaks the rule of <see cref="Identifier"/>; the message says how.</exception>
    public static PayoutId Parse(string s, IFormatProvider? provider = null) =>
        Identifier.Fault(s) is { } fault ? throw new FormatException($"'{s}' is no PayoutId: {fault}.") : new PayoutId(s);

    /// <summary>Takes an identifier as it is; false if the text breaks the rule of <see cref="Identifier"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out PayoutId result)
    {
        result = Identifier.Fault(s) is null ? new PayoutId(s!) : null;
        return result is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
