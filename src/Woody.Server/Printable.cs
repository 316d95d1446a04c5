namespace PayoutManager.Woody.Server;

/// <summary>A header and a line of a log take printable ASCII; whatever else a text quotes is shown as a question mark.</summary>
internal static class Printable
{
    /// <param name="text">Any text.</param>
    /// <param name="longest">How much of it is kept.</param>
    public static string Of(string text, int longest)
    {
        if (text.Length <= longest && !text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return text;
        return string.Concat(text.Take(longest).Select(c => c is >= ' ' and <= '~' ? c : '?'));
    }
}
