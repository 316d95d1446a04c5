namespace PayoutManager.Domain;

/// <summary>The rule that all identifiers of the platform share: 1 to 256 characters, no control characters.</summary>
public static class Identifier
{
    /// <summary>The most characters (UTF-16 code units) of an identifier.</summary>
    public const int MaxLength = 256;

    /// <summary>What is wrong with an identifier, or null if it is one.</summary>
    public static string? Fault(string? value)
    {
        if (string.IsNullOrEmpty(value))
            return "must not be empty";
        if (value.Length > MaxLength)
            return $"must be at most {MaxLength} characters, is {value.Length}";
        return Text.IsPlain(value) ? null : "must not contain control characters or unpaired surrogates";
    }

    /// <summary>
    /// Whether a database can hold a text at all: without U+0000 and unpaired surrogates. What a predecessor stored obeys no other rule.
    /// </summary>
    public static bool IsStorable(string value) => Text.IsStorable(value);

    internal static string Require(string value, string parameter) =>
        Fault(value) is { } fault ? throw new ArgumentException(fault, parameter) : value;
}
