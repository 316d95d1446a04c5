using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Simulation;

/// <summary>What outlives every host: database, ledger, topic. Each change is checked at once.</summary>
internal sealed class World
{
    private readonly List<string> _trace = [];
    private readonly Dictionary<string, int> _lastTold = [];

    public World(int seed)
    {
        Scheduler = new Scheduler(seed);
        Store = new InMemoryStore(Scheduler.Clock);
        Network = new Actor("network", Scheduler);
    }

    public Scheduler Scheduler { get; }

    public Random Random => Scheduler.Random;

    public InMemoryStore Store { get; }

    public SimulatedLedger Ledger { get; } = new();

    /// <summary>Carries what nobody waits for any more.</summary>
    public Actor Network { get; }

    /// <summary>How often of a hundred a call to a dependency or the database goes wrong.</summary>
    public int FaultPercent { get; set; }

    /// <summary>How often of a hundred a host falls asleep right after a call of it has taken effect.</summary>
    public int DozePercent { get; set; }

    /// <summary>Whether all callers are after the same payout at a time, so that its changes follow close on each other.</summary>
    public bool PayoutsComeInTurn { get; set; }

    /// <summary>Whether nothing but crashes goes wrong, so that the ledger has no reason to refuse a plan.</summary>
    public bool IsCalm { get; set; }

    public List<(string PayoutId, int SequenceId)> Topic { get; } = [];

    /// <summary>Events that were told again.</summary>
    public int Duplicates { get; private set; }

    public IReadOnlyList<string> Trace => _trace;

    /// <summary>The first promise that was broken; null if none was. Kept here, because the code under test catches.</summary>
    public string? Broken { get; private set; }

    public void Break(string what)
    {
        Note("world", $"BROKEN: {what}");
        Broken ??= what;
    }

    public void Note(string actor, string what) => _trace.Add($"{Scheduler.Now.TotalSeconds,8:F2} {actor,-9} {what}");

    /// <summary>An event arrives in the topic.</summary>
    public void Tell(string payoutId, int sequenceId)
    {
        Topic.Add((payoutId, sequenceId));
        var last = _lastTold.GetValueOrDefault(payoutId, -1);
        if (sequenceId > last + 1)
            Break($"event {sequenceId} of {payoutId} was told after event {last}");
        if (sequenceId <= last)
            Duplicates++;
        _lastTold[payoutId] = Math.Max(last, sequenceId);
        if (Store.Events.All(e => e.Payout.Id.Value != payoutId || e.SequenceId != sequenceId))
            Break($"event {sequenceId} of {payoutId} was told but never stored");
    }

    /// <summary>
    /// What must hold at every moment: acknowledged payouts never overdraw an account. By the ledger's state of their
    /// plans, which is ahead of the payout's own between the ledger's call and its application.
    /// </summary>
    public void CheckNow()
    {
        foreach (var (account, balance) in Ledger.Balances)
        {
            var taken = Store.Events
                .Select(e => e.Payout)
                .DistinctBy(payout => payout.Id)
                .Where(payout => IsTaken(payout.HoldPlan) && !IsReverted(payout))
                .SelectMany(payout => payout.HoldPlan.Postings)
                .Where(posting => posting.FromId == account)
                .Sum(posting => posting.Volume.Amount);
            if (taken > balance)
                Break($"payouts take {taken} from account {account}, which has {balance}");
        }
    }

    private bool IsTaken(LedgerPlan plan) =>
        Ledger.Plans.TryGetValue(plan.Id, out var known) && known.State != PlanState.RolledBack;

    private bool IsReverted(Payout payout) => Ledger.RevertsOf(payout).Any(revert => revert.State == PlanState.Committed);
}

/// <summary>The accounter's rules, with balances.</summary>
internal sealed class SimulatedLedger
{
    private readonly Dictionary<string, (LedgerPlan Plan, PlanState State)> _plans = [];

    /// <summary>What accounts have that can run dry; others are endless.</summary>
    public Dictionary<long, long> Balances { get; } = [];

    public IReadOnlyDictionary<string, (LedgerPlan Plan, PlanState State)> Plans => _plans;

    /// <summary>The plans that were to give a payout's money back, in order of their attempts.</summary>
    public IEnumerable<(LedgerPlan Plan, PlanState State)> RevertsOf(Payout payout) =>
        Enumerable.Range(1, int.MaxValue - 1)
            .Select(attempt => _plans.GetValueOrDefault(LedgerPlan.RevertId(payout.Id, attempt)))
            .TakeWhile(known => known.Plan is not null);

    /// <summary>An operator rolls back every revert that is held.</summary>
    public IReadOnlyList<string> RollBackReverts()
    {
        var held = _plans.Where(p => p.Key.StartsWith("revert", StringComparison.Ordinal) && p.Value.State == PlanState.Held)
            .Select(p => p.Value.Plan)
            .ToList();
        foreach (var plan in held)
            _plans[plan.Id] = (plan, PlanState.RolledBack);
        return [.. held.Select(plan => plan.Id)];
    }

    /// <returns>Why not; null if it is held.</returns>
    public string? Hold(LedgerPlan plan)
    {
        if (_plans.TryGetValue(plan.Id, out var known) && known.State != PlanState.Held)
            return $"is {known.State}";
        if (known.Plan is { } held && !held.Postings.SequenceEqual(plan.Postings))
            return "has other postings";
        _plans[plan.Id] = (plan, PlanState.Held);
        return null;
    }

    /// <returns>Why not; null if it is so.</returns>
    public string? Finish(LedgerPlan plan, PlanState final)
    {
        if (!_plans.TryGetValue(plan.Id, out var known))
            return "is unknown";
        if (known.State != PlanState.Held && known.State != final)
            return $"is {known.State}";
        if (!known.Plan.Postings.SequenceEqual(plan.Postings))
            return "has other postings";
        _plans[plan.Id] = (known.Plan, final);
        return null;
    }

    public long MinAvailable(long account) => Balances.GetValueOrDefault(account, long.MaxValue / 2) + _plans.Values
        .SelectMany(p => p.Plan.Postings.Select(posting => (p.State, Posting: posting)))
        .Sum(p => (p.State, p.Posting) switch
        {
            (PlanState.Held or PlanState.Committed, { } posting) when posting.FromId == account => -posting.Volume.Amount,
            (PlanState.Committed, { } posting) when posting.ToId == account => posting.Volume.Amount,
            _ => 0,
        });
}
