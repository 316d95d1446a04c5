namespace PayoutManager.Sandbox.Ledger;

/// <summary>An account. Its sums wrap at 64 bits without an error, as the deployed ledger's do.</summary>
internal sealed class LedgerAccount(long id, string currency, string description)
{
    // The sums of what held plans take out of the account (never above zero until it wraps) and bring in.
    private long _outgoing;
    private long _incoming;

    public string Currency => currency;

    public string Description => description;

    public long Own { get; private set; }

    public long MinAvailable => unchecked(Own + _outgoing);

    public long MaxAvailable => unchecked(Own + _incoming);

    public void Add(long amount) => Own = unchecked(Own + amount);

    /// <summary>Replaces what one plan holds of this account, as the plan's net amount for it.</summary>
    public void ReplaceHold(long before, long after)
    {
        unchecked
        {
            _outgoing += Math.Min(after, 0) - Math.Min(before, 0);
            _incoming += Math.Max(after, 0) - Math.Max(before, 0);
        }
    }

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
