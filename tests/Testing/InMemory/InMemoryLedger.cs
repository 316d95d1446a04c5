using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;

namespace PayoutManager.Testing.InMemory;

/// <summary>The ledger's port on <see cref="LedgerBook"/>, with faults before and after a call takes effect. Calls may come at once.</summary>
public sealed class InMemoryLedger : ILedger
{
    private readonly Lock _gate = new();
    private readonly LedgerBook _book = new() { DefaultBalance = 1_000_000 };
    private readonly Dictionary<(string Method, bool AfterEffect), Queue<Exception>> _faults = [];

    /// <summary>What every account has; holds go off it.</summary>
    public long Balance
    {
        get => _book.DefaultBalance;
        set => _book.DefaultBalance = value;
    }

    /// <summary>Accounts that the ledger does not know.</summary>
    public HashSet<long> UnknownAccounts => _book.UnknownAccounts;

    /// <summary>The calls, in order: method and plan.</summary>
    public List<string> Calls { get; } = [];

    /// <summary>Runs before each call, with its name.</summary>
    public Func<string, Task> BeforeCall { get; set; } = _ => Task.CompletedTask;

    public IReadOnlyDictionary<string, PlanState> Plans
    {
        get
        {
            lock (_gate)
                return _book.Plans.ToDictionary(p => p.Key, p => p.Value.State);
        }
    }

    public void Fail(string method, Exception fault, bool afterEffect = false)
    {
        if (!_faults.TryGetValue((method, afterEffect), out var queue))
            _faults[(method, afterEffect)] = queue = [];
        queue.Enqueue(fault);
    }

    /// <summary>Somebody else moves a plan.</summary>
    public void Move(LedgerPlan plan, PlanState state) => _book.Move(plan, state);

    public async Task<LedgerClock> HoldAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        await CallAsync("Hold", plan.Id, () => Accept(plan.Id, _book.Hold(plan)));
        return new LedgerClock(null);
    }

    public Task CommitAsync(LedgerPlan plan, CancellationToken cancellationToken) =>
        CallAsync("Commit", plan.Id, () => Accept(plan.Id, _book.Finish(plan, PlanState.Committed)));

    public Task RollbackAsync(LedgerPlan plan, CancellationToken cancellationToken) =>
        CallAsync("Rollback", plan.Id, () => Accept(plan.Id, _book.Finish(plan, PlanState.RolledBack)));

    public async Task<LedgerPlan?> FindPlanAsync(string planId, CancellationToken cancellationToken)
    {
        LedgerPlan? plan = null;
        await CallAsync("GetPlan", planId, () => plan = _book.Plans.GetValueOrDefault(planId).Plan);
        return plan;
    }

    public async Task<long> GetMinAvailableAmountAsync(long accountId, LedgerClock clock, CancellationToken cancellationToken)
    {
        var available = 0L;
        await CallAsync("GetBalance", $"{accountId}", () =>
        {
            if (UnknownAccounts.Contains(accountId))
                throw new LedgerRefusedException("(none)", $"account {accountId} not found");
            available = _book.MinAvailable(accountId);
        });
        return available;
    }

    private async Task CallAsync(string method, string subject, Action act)
    {
        lock (_gate)
            Calls.Add($"{method} {subject}");
        await BeforeCall(method);
        lock (_gate)
        {
            Throw(method, afterEffect: false);
            act();
            Throw(method, afterEffect: true);
        }
    }

    private void Throw(string method, bool afterEffect)
    {
        if (_faults.TryGetValue((method, afterEffect), out var faults) && faults.TryDequeue(out var fault))
            throw fault;
    }

    private static void Accept(string planId, LedgerReply reply)
    {
        if (reply == LedgerReply.Failed)
            throw new OutcomeUnknownException($"Shumway failed plan {planId}: HTTP 500.");
        if (reply == LedgerReply.Refused)
            throw new LedgerRefusedException(planId, "HTTP 400");
    }
}
