using System.Text;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>The incumbent's way of writing enum labels: MERCHANT_SETTLEMENT.</summary>
internal static class ScreamingSnake
{
    public static string Of(string pascalCase)
    {
        var label = new StringBuilder(pascalCase.Length + 4);
        foreach (var letter in pascalCase)
        {
            if (char.IsUpper(letter) && label.Length > 0)
                label.Append('_');
            label.Append(char.ToUpperInvariant(letter));
        }

        return label.ToString();
    }
}
