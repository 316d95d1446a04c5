using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace PayoutManager.Domain.Money;

/// <summary>An amount of money.</summary>
/// <param name="Amount">Minor units of the currency (kopecks, cents). Any value; what is acceptable depends on the use.</param>
/// <param name="Currency">The currency that the amount is in.</param>
public sealed record Cash(long Amount, Currency Currency) : IParsable<Cash>
{
    /// <summary>
    /// The largest amount of a request or a posting, in minor units: 2^53 − 1. The ledger's sums wrap at 64 bits without an error;
    /// amounts up to this one stay far from that.
    /// </summary>
    public const long MaxAmount = 9_007_199_254_740_991;

    /// <summary>What is wrong with an amount that is to be moved, or null if nothing is.</summary>
    /// <param name="amount">Minor units.</param>
    public static string? AmountFault(long amount) => amount <= MaxAmount
        ? null
        : string.Create(CultureInfo.InvariantCulture, $"must be at most {MaxAmount} minor units, is {amount}");

    /// <summary>Reads what <see cref="ToString"/> writes: minor units, a space, the currency's code.</summary>
    /// <exception cref="FormatException">The text is not that.</exception>
    public static Cash Parse(string s, IFormatProvider? provider = null) => TryParse(s, provider, out var cash)
        ? cash
        : throw new FormatException($"'{s}' is no amount of money: must be whole minor units, a space and a currency, such as 100000 RUB.");

    /// <summary>Reads what <see cref="ToString"/> writes; false if the text is not that.</summary>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out Cash result)
    {
        result = s?.Split(' ') is [var amount, var code]
            && long.TryParse(amount, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var minorUnits)
            && Currency.TryParse(code, provider, out var currency)
            ? new Cash(minorUnits, currency)
            : null;
        return result is not null;
    }

    /// <summary>Minor units, a space, the currency's code: <c>100000 RUB</c>, in every culture.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Amount} {Currency}");
}
