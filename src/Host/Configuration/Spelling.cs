namespace PayoutManager.Host.Configuration;

/// <summary>Finds what a mistyped word was meant to be.</summary>
internal static class Spelling
{
    /// <summary>The nearest of some words; null if none is near. Case makes no difference.</summary>
    public static string? Nearest(string word, IEnumerable<string> words) => words
        .Select(known => (Known: known, Distance: Distance(word.ToUpperInvariant(), known.ToUpperInvariant())))
        // One mistake in three letters, and three at most.
        .Where(pair => pair.Distance <= Math.Min(3, Math.Min(word.Length, pair.Known.Length) / 3))
        .OrderBy(pair => pair.Distance)
        .Select(pair => pair.Known)
        .FirstOrDefault();

    /// <summary>A question that follows upon a sentence; empty where no word is near.</summary>
    public static string DidYouMean(string word, IEnumerable<string> words) =>
        Nearest(word, words) is { } nearest ? $" Did you mean {nearest}?" : "";

    /// <summary>How many letters have to be added, dropped, changed or swapped with the next.</summary>
    private static int Distance(string a, string b)
    {
        var distances = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                distances[i, j] = (i, j) switch
                {
                    (0, _) => j,
                    (_, 0) => i,
                    _ => Math.Min(
                        Math.Min(distances[i - 1, j], distances[i, j - 1]) + 1,
                        distances[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)),
                };
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    distances[i, j] = Math.Min(distances[i, j], distances[i - 2, j - 2] + 1);
            }
        }

        return distances[a.Length, b.Length];
    }
}
