using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;

namespace PayoutManager.Testing.InMemory;

public enum PlanState
{
    Held,
    Committed,
    RolledBack,
}

/// <summary>The accounter's rules, in memory, with faults before and after a call takes effect.</summary>
public sealed class InMemoryLedger : ILedger
{
    private readonly Dictionary<string, (LedgerPlan Plan, PlanState State)> _plans = [];
    private readonly Dictionary<(string Method, bool AfterEffect), Queue<Exception>> _faults = [];

    /// <summary>What every account has; holds go off it.</summary>
    public long Balance { get; set; } = 1_000_000;

    /// <summary>Accounts that the ledger does not know.</summary>
    public HashSet<long> UnknownAccounts { get; } = [];

    /// <summary>The calls, in order: method and plan.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>Runs before each call, with its name.</summary>
    public Func<string, Task> BeforeCall { get; set; } = _ => Task.CompletedTask;

    public IReadOnlyDictionary<string, PlanState> Plans => _plans.ToDictionary(p => p.Key, p => p.Value.State);

    public void Fail(string method, Exception fault, bool afterEffect = false)
    {
        if (!_faults.TryGetValue((method, afterEffect), out var queue))
            _faults[(method, afterEffect)] = queue = [];
        queue.Enqueue(fault);
    }

    /// <summary>Somebody else moves a plan.</summary>
    public void Move(LedgerPlan plan, PlanState state) => _plans[plan.Id] = (plan, state);

    public async Task<LedgerClock> HoldAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        await CallAsync("Hold", plan.Id, () =>
        {
            if (plan.Postings.Any(p => UnknownAccounts.Contains(p.FromId) || UnknownAccounts.Contains(p.ToId)))
                throw new LedgerRefusedException(plan.Id, "Source account not found");
            if (_plans.TryGetValue(plan.Id, out var known) && known.State != PlanState.Held)
                throw new LedgerRefusedException(plan.Id, "Unable to change plan state");
            _plans[plan.Id] = (plan, PlanState.Held);
        });
        return new LedgerClock(null);
    }

    public Task CommitAsync(LedgerPlan plan, CancellationToken cancellationToken) =>
        CallAsync("Commit", plan.Id, () => Finish(plan, PlanState.Committed));

    public Task RollbackAsync(LedgerPlan plan, CancellationToken cancellationToken) =>
        CallAsync("Rollback", plan.Id, () => Finish(plan, PlanState.RolledBack));

    public async Task<LedgerPlan?> FindPlanAsync(string planId, CancellationToken cancellationToken)
    {
        await CallAsync("GetPlan", planId, () => { });
        return _plans.GetValueOrDefault(planId).Plan;
    }

    public async Task<long> GetMinAvailableAmountAsync(long accountId, LedgerClock clock, CancellationToken cancellationToken)
    {
        await CallAsync("GetBalance", $"{accountId}", () =>
        {
            if (UnknownAccounts.Contains(accountId))
                throw new LedgerRefusedException("(none)", $"account {accountId} not found");
        });
        return Balance - _plans.Values
            .Where(p => p.State != PlanState.RolledBack)
            .SelectMany(p => p.Plan.Postings)
            .Where(p => p.FromId == accountId)
            .Sum(p => p.Volume.Amount);
    }

    private async Task CallAsync(string method, string subject, Action act)
    {
        Calls.Add($"{method} {subject}");
        await BeforeCall(method);
        Throw(method, afterEffect: false);
        act();
        Throw(method, afterEffect: true);
    }

    private void Throw(string method, bool afterEffect)
    {
        if (_faults.TryGetValue((method, afterEffect), out var faults) && faults.TryDequeue(out var fault))
            throw fault;
    }

    private void Finish(LedgerPlan plan, PlanState final)
    {
        if (!_plans.TryGetValue(plan.Id, out var known))
            throw new LedgerRefusedException(plan.Id, "Posting plan not found");
        if (known.State != PlanState.Held && known.State != final)
            throw new LedgerRefusedException(plan.Id, "Unable to change plan state");
        if (!known.Plan.Postings.SequenceEqual(plan.Postings))
            throw new LedgerRefusedException(plan.Id, "Postings differ from the held ones");
        _plans[plan.Id] = (plan, final);
    }
}
