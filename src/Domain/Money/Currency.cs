using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace PayoutManager.Domain.Money;

/// <summary>A currency, named by its symbolic code: 3 to 8 characters A–Z or 0–9, such as <c>RUB</c>.</summary>
[JsonConverter(typeof(TextJsonConverter<Currency>))]
public sealed record Currency : IParsable<Currency>
{
    /// <summary>The fewest characters of a code.</summary>
    public const int MinLength = 3;

    /// <summary>The most characters of a code.</summary>
    public const int MaxLength = 8;

    /// <summary>Names a currency.</summary>
    /// <exception cref="ArgumentException"><paramref name="code"/> is not a code; <see cref="Fault"/> says why.</exception>
    public Currency(string code) =>
        Code = Fault(code) is { } fault ? throw new ArgumentException(fault, nameof(code)) : code;

    private Currency() => Code = "";

    /// <summary>The symbolic code.</summary>
    public string Code { get; private init; }

    /// <summary>What is wrong with a code, or null if it is one.</summary>
    public static string? Fault(string? code) =>
        code is { Length: >= MinLength and <= MaxLength } && code.All(c => c is >= 'A' and <= 'Z' or >= '0' and <= '9')
            ? null
            : $"must be {MinLength} to {MaxLength} characters A–Z or 0–9";

    /// <summary>A currency as it was stored before, whatever the rules for codes were then.</summary>
    public static Currency Restore(string code) => new() { Code = code };

    /// <summary>Reads a currency's code.</summary>
    /// <exception cref="FormatException">The text is no code; the message says why.</exception>
    public static Currency Parse(string s, IFormatProvider? provider = null) =>
        Fault(s) is { } fault ? throw new FormatException($"'{s}' is no currency: {fault}.") : new Currency(s);

    /// <summary>Reads a currency's code; false if the text is none.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out Currency result)
    {
        result = Fault(s) is null ? new Currency(s!) : null;
        return result is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Code;
}
