namespace PayoutManager.Domain.CashFlows;

/// <summary>A ledger account and the role that it plays.</summary>
/// <param name="Type">The role.</param>
/// <param name="Id">The account's id in the ledger.</param>
public sealed record CashFlowAccount(AccountType Type, long Id)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Type}/{Id}";
}
