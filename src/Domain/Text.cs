namespace PayoutManager.Domain;

internal static class Text
{
    /// <summary>
    /// Whether a text can be stored and sent everywhere and read back the same: PostgreSQL takes no U+0000 and UTF-8
    /// no unpaired surrogate; other control characters have no business in an identifier.
    /// </summary>
    public static bool IsPlain(string text)
    {
        foreach (var character in text)
        {
            if (char.IsControl(character))
                return false;
        }

        return IsWellFormed(text);
    }

    /// <summary>As <see cref="IsPlain"/>, but line breaks, tabs and other control characters except U+0000 are fine.</summary>
    public static bool IsStorable(string text) => !text.Contains('\0') && IsWellFormed(text);

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (!(i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1])))
                return false;
            i++;
        }

        return true;
    }
}
