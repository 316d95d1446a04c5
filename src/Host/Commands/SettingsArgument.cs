using System.CommandLine;
using System.CommandLine.Parsing;
using PayoutManager.Host.Configuration;

namespace PayoutManager.Host.Commands;

/// <summary>Keys of the configuration and their values, as .NET reads them off a command line: <c>--Key=value</c> or <c>--Key value</c>.</summary>
internal sealed class SettingsArgument : Argument<string[]>
{
    public SettingsArgument()
        : base("setting")
    {
        Arity = ArgumentArity.ZeroOrMore;
        Description = "A key of the configuration and its value, as --Key=value or --Key value; outweighs variables and files";
        Validators.Add(Check);
    }

    /// <summary>Whether a first word is meant as a setting rather than a verb.</summary>
    public static bool MayBe(string word) => word.StartsWith('-') || word.Contains('=', StringComparison.Ordinal);

    /// <summary>Refuses what .NET would take for no setting, and drop.</summary>
    private static void Check(ArgumentResult result)
    {
        var words = result.Tokens.Select(token => token.Value).ToList();
        for (var i = 0; i < words.Count; i++)
        {
            var word = words[i].Split('=')[0];
            var isWhole = words[i].Contains('=', StringComparison.Ordinal);
            var isKey = isWhole || word.StartsWith("--", StringComparison.Ordinal);
            var isRead = isKey && SettingKeys.IsKnown(KeyIn(word).Split(':')[0]);
            if (!isRead)
                result.AddError($"'{word}' is not known.{DidYouMean(word, result)}");
            // The next word is its value, whatever it looks like.
            if (isKey && !isWhole && (isRead || word.Contains(':', StringComparison.Ordinal)) && ++i == words.Count)
                result.AddError($"{word} needs a value.");
        }
    }

    private static string KeyIn(string word) => word.StartsWith("--", StringComparison.Ordinal) ? word[2..] : word;

    private static string DidYouMean(string word, ArgumentResult result)
    {
        // As variables are written; here the colon does.
        var key = word.TrimStart('-').Replace("__", ":", StringComparison.Ordinal);
        if ((word.StartsWith('-') || key.Contains(':', StringComparison.Ordinal)) && SettingKeys.Nearest(key) is { } near)
            return $" Did you mean --{near}?";
        var options = (result.Parent as CommandResult)?.Command.Options.Select(option => option.Name) ?? [];
        return Spelling.DidYouMean(word, options.Append("--help"));
    }
}
