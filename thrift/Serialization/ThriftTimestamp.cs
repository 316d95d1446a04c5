using System.Globalization;
using System.Text.RegularExpressions;

namespace PayoutManager.Thrift.Serialization;

/// <summary>
/// Instants as text: RFC 3339 in UTC with <c>Z</c> and 0, 3, 6 or 9 fraction digits, the fewest that lose nothing, which
/// is how Java's <c>ISO_INSTANT</c> prints them.
/// </summary>
public static partial class ThriftTimestamp
{
    private const string Seconds = "yyyy-MM-dd'T'HH:mm:ss";

    /// <summary>The text of an instant.</summary>
    public static string Format(DateTimeOffset instant)
    {
        var utc = instant.UtcDateTime;
        var ticks = utc.Ticks % TimeSpan.TicksPerSecond;
        var fraction = ticks switch
        {
            0 => "",
            _ when ticks % TimeSpan.TicksPerMillisecond == 0 => $".{ticks / TimeSpan.TicksPerMillisecond:D3}",
            _ when ticks % TimeSpan.TicksPerMicrosecond == 0 => $".{ticks / TimeSpan.TicksPerMicrosecond:D6}",
            _ => $".{ticks:D7}00",
        };
        return utc.ToString(Seconds, CultureInfo.InvariantCulture) + fraction + "Z";
    }

    /// <summary>
    /// Reads an instant with 0 to 9 fraction digits; digits beyond the seventh, a tenth of a microsecond, are dropped. An
    /// offset other than <c>Z</c> is accepted as RFC 3339 has it.
    /// </summary>
    public static bool TryParse(string text, out DateTimeOffset instant)
    {
        instant = default;
        var match = Shape().Match(text);
        if (!match.Success)
            return false;
        var fraction = match.Groups["fraction"].Value;
        var kept = fraction.Length > 7 ? fraction[..7] : fraction;
        var offset = match.Groups["offset"].Value is "Z" or "z" ? "+00:00" : match.Groups["offset"].Value;
        return DateTimeOffset.TryParseExact(
            $"{match.Groups["date"].Value}T{match.Groups["time"].Value}.{kept.PadRight(7, '0')}{offset}",
            Seconds + ".fffffffzzz",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AdjustToUniversal,
            out instant);
    }

    /// <summary>Reads an instant.</summary>
    /// <exception cref="ThriftFormatException">The text is not one.</exception>
    public static DateTimeOffset Parse(string text) =>
        TryParse(text, out var instant)
            ? instant
            : throw new ThriftFormatException($"'{text}' is not an RFC 3339 instant with 0 to 9 fraction digits");

    [GeneratedRegex(@"\A(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt](?<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(\.(?<fraction>[0-9]{1,9}))?(?<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Shape();
}
