using System.Security.Cryptography;
using System.Text;

namespace PayoutManager.Woody.Server;

/// <summary>
/// Woody's ids in the form of W3C's trace context, for calls that have no W3C trace: the same on every host, and made of nothing new.
/// Shorter hexadecimal ids get leading zeroes, as that specification has it; others are hashed.
/// </summary>
internal static class W3CId
{
    private const int TraceDigits = 32;
    private const int SpanDigits = 16;

    public static string OfTrace(string woodyId) => Of(woodyId, TraceDigits);

    public static string OfSpan(string woodyId) => Of(woodyId, SpanDigits);

    private static string Of(string id, int digits)
    {
        // Nothing but zeroes is no id there.
        if (id.Length <= digits && id.All(char.IsAsciiHexDigit) && id.AsSpan().ContainsAnyExcept('0'))
            return id.ToLowerInvariant().PadLeft(digits, '0');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)).AsSpan(0, digits / 2));
    }
}
