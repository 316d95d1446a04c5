using PayoutManager.Thrift.Accounting;

namespace PayoutManager.Sandbox.Ledger;

/// <summary>The states of a plan; the last two are final.</summary>
public enum PlanState
{
    /// <summary>The money is set aside.</summary>
    Held,

    /// <summary>The money has moved.</summary>
    Committed,

    /// <summary>The money is free again.</summary>
    RolledBack,
}

internal sealed class LedgerPlan(string id)
{
    public string Id => id;

    public PlanState State { get; set; }

    public SortedDictionary<long, PostingBatch> Batches { get; } = [];

    /// <summary>What the plan's batches together add to each account; negative where they take.</summary>
    public Dictionary<long, long> Nets { get; } = [];

    public PlanView View() => new(
        id,
        State,
        [
            .. Batches.Values.SelectMany(b => b.Postings!).Select(p =>
                new PostingView(p.FromId, p.ToId, p.Amount, p.CurrencySymCode, p.Description)),
        ]);
}

/// <summary>A plan as the sandbox shows it.</summary>
public sealed record PlanView(string Id, PlanState State, IReadOnlyList<PostingView> Postings);

/// <summary>A posting as the sandbox shows it; the amount in minor units.</summary>
public sealed record PostingView(long FromId, long ToId, long Amount, string Currency, string Description);
