namespace PayoutManager.Domain.Money;

/// <summary>A currency, named by its symbolic code: 3 to 8 characters A–Z or 0–9, such as <c>RUB</c>.</summary>
public sealed record Currency
{
    /// <summary>The fewest characters of a code.</summary>
    public const int MinLength = 3;

    /// <summary>The most characters of a code.</summary>
    public const int MaxLength = 8;

    /// <summary>Names a currency.</summary>
    /// <exception cref="ArgumentException"><paramref name="code"/> is not a code; <see cref="Fault"/> says why.</exception>
    public Currency(string code)
    {
        if (Fault(code) is { } fault)
            throw new ArgumentException(fault, nameof(code));
        Code = code;
    }

    /// <summary>The symbolic code.</summary>
    public string Code { get; }

    /// <summary>What is wrong with a code, or null if it is one.</summary>
    public static string? Fault(string? code) =>
        code is { Length: >= MinLength and <= MaxLength } && code.All(c => c is >= 'A' and <= 'Z' or >= '0' and <= '9')
            ? null
            : $"must be {MinLength} to {MaxLength} characters A–Z or 0–9";

    /// <inheritdoc/>
    public override string ToString() => Code;
}
