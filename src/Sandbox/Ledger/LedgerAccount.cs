namespace PayoutManager.Sandbox.Ledger;

internal sealed class LedgerAccount(long id, string currency, string description)
{
    public string Currency => currency;

    public string Description => description;

    public long Own { get; set; }

    public long HeldOut { get; set; }

    public long HeldIn { get; set; }

    public long MinAvailable => Own - HeldOut;

    public long MaxAvailable => Own + HeldIn;

    public AccountView View() => new(id, currency, description, Own, MinAvailable, MaxAvailable);
}

/// <summary>An account as the sandbox shows it; amounts in minor units.</summary>
public sealed record AccountView(
    long Id,
    string Currency,
    string Description,
    long OwnAmount,
    long MinAvailableAmount,
    long MaxAvailableAmount);
