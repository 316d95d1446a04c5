namespace PayoutManager.Domain.Money;

/// <summary>An amount of money.</summary>
/// <param name="Amount">Minor units of the currency (kopecks, cents). Any value; what is acceptable depends on the use.</param>
/// <param name="Currency">The currency that the amount is in.</param>
public sealed record Cash(long Amount, Currency Currency)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Amount} {Currency}";
}
