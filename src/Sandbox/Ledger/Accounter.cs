using System.Buffers.Binary;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Base;

namespace PayoutManager.Sandbox.Ledger;

/// <summary>
/// The rules of Shumway's accounter, in memory: plans are unique by id; hold, commit and rollback are idempotent; a final
/// plan never changes; postings at the end must equal the held ones.
/// </summary>
public sealed class Accounter
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<long, LedgerAccount> _accounts = [];
    private readonly Dictionary<string, LedgerPlan> _plans = [];
    private long _version;

    /// <summary>Opens an account.</summary>
    public void Open(long id, string currency, string description)
    {
        lock (_lock)
            _accounts.Add(id, new LedgerAccount(id, currency, description));
    }

    /// <summary>Moves money at once, without a plan: how accounts are funded.</summary>
    public void Transfer(long from, long to, long amount)
    {
        lock (_lock)
        {
            Account(from).Own -= amount;
            Account(to).Own += amount;
            _version++;
        }
    }

    /// <summary>Sets a batch of a plan aside.</summary>
    /// <exception cref="InvalidPostingParams">An account is unknown, or a currency or an amount is wrong.</exception>
    /// <exception cref="InvalidRequest">The plan is final, or holds another batch by this id.</exception>
    public Clock Hold(PostingPlanChange change)
    {
        lock (_lock)
        {
            var batch = change.Batch!;
            Validate(batch);
            var plan = _plans.GetValueOrDefault(change.Id);
            if (plan is { State: not PlanState.Held })
                throw Refusal($"Unable to change plan state: {change.Id} is {plan.State}");
            if (plan is not null && plan.Batches.TryGetValue(batch.Id, out var held))
            {
                return held.Postings!.SequenceEqual(batch.Postings!)
                    ? Now()
                    : throw Refusal($"Batch {batch.Id} of plan {change.Id} has other postings");
            }

            plan ??= _plans[change.Id] = new LedgerPlan(change.Id);
            plan.Batches.Add(batch.Id, batch);
            foreach (var posting in batch.Postings!)
            {
                Account(posting.FromId).HeldOut += posting.Amount;
                Account(posting.ToId).HeldIn += posting.Amount;
            }

            _version++;
            return Now();
        }
    }

    /// <summary>Moves a held plan's money for good.</summary>
    /// <exception cref="InvalidPostingParams">The postings are not the held ones.</exception>
    /// <exception cref="InvalidRequest">The plan is unknown or rolled back.</exception>
    public Clock Commit(PostingPlan plan) => Finish(plan, PlanState.Committed);

    /// <summary>Gives a held plan's money back for good.</summary>
    /// <exception cref="InvalidPostingParams">The postings are not the held ones.</exception>
    /// <exception cref="InvalidRequest">The plan is unknown or committed.</exception>
    public Clock Rollback(PostingPlan plan) => Finish(plan, PlanState.RolledBack);

    /// <summary>A plan with its batches.</summary>
    /// <exception cref="PlanNotFound">There is none.</exception>
    public PostingPlan GetPlan(string id)
    {
        lock (_lock)
            return _plans.TryGetValue(id, out var plan) ? new PostingPlan(id, [.. plan.Batches.Values]) : throw new PlanNotFound(id);
    }

    /// <summary>An account.</summary>
    /// <exception cref="AccountNotFound">There is none.</exception>
    public Account GetAccount(long id)
    {
        lock (_lock)
        {
            var account = Account(id);
            return new Account(id, account.Currency) { Description = account.Description };
        }
    }

    /// <summary>An account's balance.</summary>
    /// <exception cref="AccountNotFound">There is none.</exception>
    /// <exception cref="ClockInFuture">The clock is of a state that this ledger has not reached.</exception>
    public Balance GetBalance(long id, Clock? clock)
    {
        lock (_lock)
        {
            var account = Account(id);
            if (clock?.As_vector is { State: { } state }
                && (state.Length != sizeof(long) || BinaryPrimitives.ReadInt64BigEndian(state) > _version))
            {
                throw new ClockInFuture();
            }

            return new Balance(id, account.Own, account.MaxAvailable, account.MinAvailable, Now());
        }
    }

    /// <summary>All accounts as they are now.</summary>
    public IReadOnlyList<AccountView> ListAccounts()
    {
        lock (_lock)
            return [.. _accounts.Values.Select(a => a.View())];
    }

    /// <summary>All plans as they are now, or those whose id contains a text.</summary>
    public IReadOnlyList<PlanView> ListPlans(string? containing = null)
    {
        lock (_lock)
        {
            return
            [
                .. _plans.Values
                    .Where(p => containing is null || p.Id.Contains(containing, StringComparison.Ordinal))
                    .Select(p => p.View()),
            ];
        }
    }

    private Clock Finish(PostingPlan request, PlanState final)
    {
        lock (_lock)
        {
            if (!_plans.TryGetValue(request.Id, out var plan))
                throw Refusal($"Posting plan {request.Id} not found");
            if (plan.State != PlanState.Held && plan.State != final)
                throw Refusal($"Unable to change plan state: {request.Id} is {plan.State}");
            RequireHeldPostings(plan, request);
            if (plan.State == final)
                return Now();

            plan.State = final;
            foreach (var posting in plan.Batches.Values.SelectMany(b => b.Postings!))
            {
                var (from, to) = (Account(posting.FromId), Account(posting.ToId));
                from.HeldOut -= posting.Amount;
                to.HeldIn -= posting.Amount;
                if (final == PlanState.Committed)
                {
                    from.Own -= posting.Amount;
                    to.Own += posting.Amount;
                }
            }

            _version++;
            return Now();
        }
    }

    private static void RequireHeldPostings(LedgerPlan plan, PostingPlan request)
    {
        var wrong = request.BatchList!
            .Where(b => !plan.Batches.TryGetValue(b.Id, out var held) || !held.Postings!.SequenceEqual(b.Postings!))
            .SelectMany(b => b.Postings!)
            .Distinct()
            .ToDictionary(p => p, _ => "The posting is not as it was held");
        if (wrong.Count > 0)
            throw new InvalidPostingParams(wrong);
        if (request.BatchList!.Count != plan.Batches.Count)
            throw Refusal($"Plan {plan.Id} has {plan.Batches.Count} batches, not {request.BatchList.Count}");
    }

    private void Validate(PostingBatch batch)
    {
        var wrong = new Dictionary<Posting, string>();
        foreach (var posting in batch.Postings!)
        {
            var fault = !_accounts.TryGetValue(posting.FromId, out var from) ? "Source account not found"
                : !_accounts.TryGetValue(posting.ToId, out var to) ? "Target account not found"
                : posting.Amount < 0 ? "Amount cannot be negative"
                : from.Currency != posting.CurrencySymCode || to.Currency != posting.CurrencySymCode ? "Currency mismatch"
                : null;
            if (fault is not null)
                wrong[posting] = fault;
        }

        if (wrong.Count > 0)
            throw new InvalidPostingParams(wrong);
    }

    private LedgerAccount Account(long id) =>
        _accounts.TryGetValue(id, out var account) ? account : throw new AccountNotFound(id);

    private Clock Now()
    {
        var state = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(state, _version);
        return new Clock.vector(new VectorClock(state));
    }

    private static InvalidRequest Refusal(string error) => new([error]);
}
