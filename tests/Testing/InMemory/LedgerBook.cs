using PayoutManager.Domain.Ledger;

namespace PayoutManager.Testing.InMemory;

public enum PlanState
{
    Held,
    Committed,
    RolledBack,
}

/// <summary>What the ledger answers to a call.</summary>
public enum LedgerReply
{
    Ok,

    /// <summary>No effect.</summary>
    Refused,

    /// <summary>An error inside of the ledger: HTTP 500.</summary>
    Failed,
}

/// <summary>
/// The accounter's rules for plans of one batch, in memory. By default those of the deployed one, which keeps 64 characters of a plan's
/// name and 4 of a currency; the declared contract knows no such limits.
/// </summary>
public sealed class LedgerBook
{
    private const int LongestPlanName = 64;
    private const int LongestCurrency = 4;

    private readonly Dictionary<string, (LedgerPlan Plan, PlanState State)> _plans = [];

    /// <summary>Whether it has no limits of length, as in the declared contract.</summary>
    public bool IsDeclared { get; init; }

    /// <summary>What accounts had before any plan; others have <see cref="DefaultBalance"/>.</summary>
    public Dictionary<long, long> Balances { get; } = [];

    public long DefaultBalance { get; set; } = long.MaxValue / 2;

    /// <summary>Accounts that the ledger does not know.</summary>
    public HashSet<long> UnknownAccounts { get; } = [];

    public IReadOnlyDictionary<string, (LedgerPlan Plan, PlanState State)> Plans => _plans;

    public LedgerReply Hold(LedgerPlan plan)
    {
        if (plan.Postings.Count == 0 || plan.Postings.Any(p => p.FromId == p.ToId || p.Volume.Amount < 0))
            return LedgerReply.Refused;
        if (!IsDeclared && plan.Id.EnumerateRunes().Count() > LongestPlanName)
            return LedgerReply.Failed;
        if (_plans.TryGetValue(plan.Id, out var known) && (known.State != PlanState.Held || !HasSamePostings(known.Plan, plan)))
            return LedgerReply.Refused;
        if (plan.Postings.Any(p => UnknownAccounts.Contains(p.FromId) || UnknownAccounts.Contains(p.ToId)))
            return LedgerReply.Refused;
        if (!IsDeclared && plan.Postings.Any(p => p.Volume.Currency.Code.Length > LongestCurrency))
            return LedgerReply.Failed;
        _plans.TryAdd(plan.Id, (plan, PlanState.Held));
        return LedgerReply.Ok;
    }

    /// <param name="plan">The plan.</param>
    /// <param name="final">Committed or rolled back.</param>
    public LedgerReply Finish(LedgerPlan plan, PlanState final)
    {
        if (!_plans.TryGetValue(plan.Id, out var known)
            || (known.State != PlanState.Held && known.State != final)
            || !HasSamePostings(known.Plan, plan))
        {
            return LedgerReply.Refused;
        }

        _plans[plan.Id] = (known.Plan, final);
        return LedgerReply.Ok;
    }

    /// <summary>Somebody else moves a plan.</summary>
    public void Move(LedgerPlan plan, PlanState state) => _plans[plan.Id] = (plan, state);

    /// <summary>Own amount plus the net of each held plan for the account, where that is negative. Sums wrap, as the ledger's do.</summary>
    /// <param name="account">The account.</param>
    /// <param name="without">Plans that are not to count.</param>
    public long MinAvailable(long account, IReadOnlySet<string>? without = null) => unchecked(_plans.Values.Where(p => without?.Contains(p.Plan.Id) != true).Aggregate(
        Balances.GetValueOrDefault(account, DefaultBalance),
        (sum, plan) => plan.State switch
        {
            PlanState.Committed => sum + Net(plan.Plan, account),
            PlanState.Held => sum + Math.Min(0, Net(plan.Plan, account)),
            _ => sum,
        }));

    /// <summary>The ledger as it was, as a restore from a backup brings it about.</summary>
    public void Restore(IReadOnlyDictionary<string, (LedgerPlan Plan, PlanState State)> earlier)
    {
        _plans.Clear();
        foreach (var (id, plan) in earlier)
            _plans.Add(id, plan);
    }

    private static long Net(LedgerPlan plan, long account) => unchecked(plan.Postings.Aggregate(
        0L,
        (net, p) => net + (p.ToId == account ? p.Volume.Amount : 0) - (p.FromId == account ? p.Volume.Amount : 0)));

    /// <summary>As sets: order does not matter, and equal ones count once.</summary>
    private static bool HasSamePostings(LedgerPlan one, LedgerPlan other) => one.Postings.ToHashSet().SetEquals(other.Postings);
}
