using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;

namespace PayoutManager.Testing.InMemory;

/// <summary>The ledger's port on <see cref="LedgerBook"/>, with faults before and after a call takes effect. Calls may come at once.</summary>
public sealed class InMemoryLedger : ILedger, ILedgerRecords
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

    /// <summary>The looks at what is kept, each with the plans that it asked for.</summary>
    public List<IReadOnlyList<string>> RecordReads { get; } = [];

    /// <summary>Whether no call comes back before its caller gives up.</summary>
    public bool IsSilent { get; set; }

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

    /// <summary>The ledger loses a plan.</summary>
    public void Lose(string planId) => _book.Restore(_book.Plans.Where(p => p.Key != planId).ToDictionary());

    public async Task<LedgerClock> HoldAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        await CallAsync("Hold", plan.Id, () => Accept(plan.Id, _book.Hold(plan)), cancellationToken);
        return new LedgerClock(null);
    }

    public Task CommitAsync(LedgerPlan plan, CancellationToken cancellationToken) =>
        CallAsync("Commit", plan.Id, () => Accept(plan.Id, _book.Finish(plan, PlanState.Committed)), cancellationToken);

    public Task RollbackAsync(LedgerPlan plan, CancellationToken cancellationToken) =>
        CallAsync("Rollback", plan.Id, () => Accept(plan.Id, _book.Finish(plan, PlanState.RolledBack)), cancellationToken);

    /// <summary>The plans as they are kept, in another order of their postings. Not a call.</summary>
    public Task<IReadOnlyDictionary<string, RecordedPlan>> ReadAsync(IReadOnlyCollection<string> planIds, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            RecordReads.Add([.. planIds]);
            Throw("Records", afterEffect: false);
            return Task.FromResult<IReadOnlyDictionary<string, RecordedPlan>>(_book.Plans
                .Where(p => planIds.Contains(p.Key))
                .ToDictionary(
                    p => p.Key,
                    p => new RecordedPlan(Enum.Parse<RecordedState>($"{p.Value.State}"), [.. p.Value.Plan.Postings.Reverse()])));
        }
    }

    public async Task<long> GetMinAvailableAmountAsync(long accountId, LedgerClock clock, CancellationToken cancellationToken)
    {
        var available = 0L;
        await CallAsync("GetBalance", $"{accountId}", () =>
        {
            if (UnknownAccounts.Contains(accountId))
                throw new LedgerRefusedException("(none)", $"account {accountId} not found");
            available = _book.MinAvailable(accountId);
        }, cancellationToken);
        return available;
    }

    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await CallAsync("Answers", "", () => { }, cancellationToken);
            return true;
        }
        catch (Exception)
        {
            return false;
        }
    }

    private async Task CallAsync(string method, string subject, Action act, CancellationToken cancellationToken)
    {
        lock (_gate)
            Calls.Add($"{method} {subject}");
        await BeforeCall(method);
        if (IsSilent)
            await GiveUpAsync(cancellationToken);
        lock (_gate)
        {
            Throw(method, afterEffect: false);
            act();
            Throw(method, afterEffect: true);
        }
    }

    private static async Task GiveUpAsync(CancellationToken cancellationToken)
    {
        var given = new TaskCompletionSource();
        await using var up = cancellationToken.Register(given.SetResult);
        await given.Task;
        throw new OutcomeUnknownException("no answer in time");
    }

    private void Throw(string method, bool afterEffect)
    {
        if (_faults.TryGetValue((method, afterEffect), out var faults) && faults.TryDequeue(out var fault))
            throw fault;
    }

    private static void Accept(string planId, LedgerReply reply)
    {
        if (reply == LedgerReply.Failed)
            throw new OutcomeUnknownException($"Shumway failed plan {planId}: HTTP 500.") { PeerFailed = true };
        if (reply == LedgerReply.Refused)
            throw new LedgerRefusedException(planId, "HTTP 400");
    }
}
