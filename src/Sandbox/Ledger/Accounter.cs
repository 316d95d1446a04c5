using System.Buffers.Binary;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Base;

namespace PayoutManager.Sandbox.Ledger;

/// <summary>
/// The rules of Shumway's accounter, in memory. Plans are unique by id; hold, commit and rollback are idempotent; a final plan
/// never changes; a refused call has no effect.
/// </summary>
/// <remarks>
/// The rules and the order of the checks are those of rbkmoney/shumway at 44eb989 (AccounterHandler, AccounterValidator,
/// AccountService): batches, postings, state of the plan, equality with the held postings, accounts and currencies. Sums wrap
/// at 64 bits without an error.
/// </remarks>
/// <param name="form">How it answers on the wire.</param>
public sealed class Accounter(LedgerForm form = LedgerForm.Deployed)
{
    // The lengths of the deployed ledger's columns plan_log.plan_id and posting_log.curr_sym_code.
    private const int LongestPlanId = 64;
    private const int LongestCurrency = 4;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<long, LedgerAccount> _accounts = [];
    private readonly Dictionary<string, LedgerPlan> _plans = [];
    private volatile LedgerForm _form = form;
    private long _version;

    /// <summary>
    /// How the accounter answers on the wire. In this process, calls throw the same exceptions in both forms; the limits of
    /// columns hold in the deployed form only.
    /// </summary>
    public LedgerForm Form
    {
        get => _form;
        set => _form = value;
    }

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
            var (source, target) = (Account(from), Account(to));
            source.Add(unchecked(-amount));
            target.Add(amount);
            _version++;
        }
    }

    /// <summary>Sets a batch of a plan aside.</summary>
    /// <exception cref="LedgerRefusalException">
    /// InvalidRequest: the batch is empty or has no valid id, or the plan is final. InvalidPostingParams: a posting goes from an
    /// account to itself, has a negative amount, an unknown account or another currency; the batch was held with other
    /// postings, or is new and its id is lower than a held one.
    /// </exception>
    /// <exception cref="LedgerFailureException">The plan's id or a currency's code is too long for its column.</exception>
    public Clock Hold(PostingPlanChange change)
    {
        var batch = change.Batch!;
        CheckBatches(change.Id, [batch]);
        CheckPostings([batch]);
        lock (_lock)
        {
            // The deployed ledger inserts the plan before it looks at its state, and the postings at the very end.
            RequireLength("plan id", change.Id, LongestPlanId);
            var plan = _plans.GetValueOrDefault(change.Id) ?? new LedgerPlan(change.Id);
            if (plan.State != PlanState.Held)
                throw Refusal($"Plan {change.Id} is {plan.State} and cannot be held");
            RequireHeldPostings(plan, [batch], complete: false);
            if (plan.Batches.ContainsKey(batch.Id))
                return Now();
            CheckAccounts(batch);
            foreach (var posting in batch.Postings!)
                RequireLength("currency code", posting.CurrencySymCode, LongestCurrency);

            _plans[change.Id] = plan;
            plan.Batches.Add(batch.Id, batch);
            foreach (var (id, amount) in Nets(batch.Postings))
            {
                var before = plan.Nets.GetValueOrDefault(id);
                var after = unchecked(before + amount);
                plan.Nets[id] = after;
                Account(id).ReplaceHold(before, after);
            }

            _version++;
            return Now();
        }
    }

    /// <summary>Moves a held plan's money for good.</summary>
    /// <exception cref="LedgerRefusalException">
    /// InvalidRequest: there is no batch, one is empty or has no valid id, or the plan is unknown or rolled back.
    /// InvalidPostingParams: a posting goes from an account to itself or has a negative amount, or the postings are not the held
    /// ones.
    /// </exception>
    public Clock Commit(PostingPlan plan) => Finish(plan, PlanState.Committed);

    /// <summary>Gives a held plan's money back for good.</summary>
    /// <exception cref="LedgerRefusalException">As for a commit; InvalidRequest also if the plan is committed.</exception>
    public Clock Rollback(PostingPlan plan) => Finish(plan, PlanState.RolledBack);

    /// <summary>A plan with its batches.</summary>
    /// <exception cref="LedgerRefusalException">PlanNotFound: there is none.</exception>
    public PostingPlan GetPlan(string id)
    {
        lock (_lock)
        {
            return _plans.TryGetValue(id, out var plan)
                ? new PostingPlan(id, [.. plan.Batches.Values])
                : throw new LedgerRefusalException(new PlanNotFound(id));
        }
    }

    /// <summary>An account.</summary>
    /// <exception cref="LedgerRefusalException">AccountNotFound: there is none.</exception>
    public Account GetAccount(long id)
    {
        lock (_lock)
        {
            var account = Account(id);
            return new Account(id, account.Currency) { Description = account.Description };
        }
    }

    /// <summary>
    /// An account's balance: its own amount, and what would be left of it if, of all held plans, only those were committed whose
    /// net amount for the account is negative (min), or only those whose is positive (max).
    /// </summary>
    /// <exception cref="LedgerRefusalException">
    /// AccountNotFound: there is none. ClockInFuture: the clock is of a state that this ledger has not reached.
    /// </exception>
    public Balance GetBalance(long id, Clock? clock)
    {
        lock (_lock)
        {
            var account = Account(id);
            if (clock?.As_vector is { State: { } state }
                && (state.Length != sizeof(long) || BinaryPrimitives.ReadInt64BigEndian(state) > _version))
            {
                throw new LedgerRefusalException(new ClockInFuture());
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
        var batches = request.BatchList!;
        CheckBatches(request.Id, batches);
        CheckPostings(batches);
        lock (_lock)
        {
            if (!_plans.TryGetValue(request.Id, out var plan))
                throw Refusal($"Plan {request.Id} is unknown");
            if (plan.State != PlanState.Held && plan.State != final)
                throw Refusal($"Plan {request.Id} is {plan.State} and cannot become {final}");
            RequireHeldPostings(plan, batches, complete: true);
            if (plan.State == final)
                return Now();

            plan.State = final;
            // The deployed ledger computes the change from the postings of this call. They can differ from the held ones only
            // in how often an equal posting occurs.
            foreach (var (id, amount) in Nets(batches.SelectMany(b => b.Postings!)))
            {
                var account = Account(id);
                account.ReplaceHold(amount, 0);
                if (final == PlanState.Committed)
                    account.Add(amount);
            }

            _version++;
            return Now();
        }
    }

    private static void CheckBatches(string planId, List<PostingBatch> batches)
    {
        if (batches.Count == 0)
            throw Refusal($"Plan {planId} has no batches");
        var ids = new HashSet<long>();
        foreach (var batch in batches)
        {
            if (batch.Postings!.Count == 0)
                throw Refusal($"Batch {batch.Id} has no postings");
            if (!ids.Add(batch.Id))
                throw Refusal($"Batch {batch.Id} occurs more than once");
        }

        // The deployed ledger keeps both for itself.
        if (ids.Contains(long.MinValue) || ids.Contains(long.MaxValue))
            throw Refusal($"Plan {planId} has a batch with the lowest or the highest 64-bit id");
    }

    private static void CheckPostings(List<PostingBatch> batches) => RequireNone(Wrong(
        batches.SelectMany(b => b.Postings!),
        posting => posting.FromId == posting.ToId ? "Source and target account are the same"
            : posting.Amount < 0 ? "Amount cannot be negative"
            : null));

    private void CheckAccounts(PostingBatch batch) => RequireNone(Wrong(
        batch.Postings!,
        posting => !_accounts.TryGetValue(posting.FromId, out var from) ? "Source account not found"
            : !_accounts.TryGetValue(posting.ToId, out var to) ? "Target account not found"
            : from.Currency != posting.CurrencySymCode || to.Currency != posting.CurrencySymCode ? "Currency mismatch"
            : null));

    /// <summary>
    /// Compares batches with the held ones of the same ids. Postings are compared as sets: their order does not matter, and equal
    /// ones count once.
    /// </summary>
    /// <param name="plan">The plan that holds.</param>
    /// <param name="batches">The batches of a call.</param>
    /// <param name="complete">Whether these must be all batches of the plan; otherwise new ones with higher ids may come.</param>
    private static void RequireHeldPostings(LedgerPlan plan, List<PostingBatch> batches, bool complete)
    {
        var wrong = new Dictionary<Posting, string>();
        foreach (var batch in batches)
        {
            if (plan.Batches.TryGetValue(batch.Id, out var held))
            {
                AddWrong(held.Postings!.Except(batch.Postings!), $"Held posting not found in batch {batch.Id}");
                AddWrong(batch.Postings!.Except(held.Postings!), $"Posting was not held in batch {batch.Id}");
            }
            else if (complete)
            {
                AddWrong(batch.Postings!, $"Batch {batch.Id} was not held");
            }
            else if (plan.Batches.Count > 0 && plan.Batches.Keys.Max() is var last && batch.Id < last)
            {
                AddWrong(batch.Postings!, $"Batch {batch.Id} comes after batch {last}, which was held");
            }
        }

        if (complete)
        {
            foreach (var held in plan.Batches.Values.Where(held => batches.All(b => b.Id != held.Id)))
                AddWrong(held.Postings!, $"Held batch {held.Id} not found");
        }

        RequireNone(wrong);

        void AddWrong(IEnumerable<Posting> postings, string fault)
        {
            foreach (var posting in postings)
                wrong[posting] = fault;
        }
    }

    private static Dictionary<Posting, string> Wrong(IEnumerable<Posting> postings, Func<Posting, string?> findFault)
    {
        var wrong = new Dictionary<Posting, string>();
        foreach (var posting in postings)
        {
            if (findFault(posting) is { } fault)
                wrong[posting] = fault;
        }

        return wrong;
    }

    private static void RequireNone(Dictionary<Posting, string> wrong)
    {
        if (wrong.Count > 0)
            throw new LedgerRefusalException(new InvalidPostingParams(wrong));
    }

    /// <summary>PostgreSQL counts the length of a varchar in code points.</summary>
    private void RequireLength(string name, string value, int longest)
    {
        if (_form == LedgerForm.Deployed && value.Length > longest && value.EnumerateRunes().Count() is var length && length > longest)
            throw new LedgerFailureException($"value too long: the {name} has {length} characters, its column takes {longest}");
    }

    /// <summary>What postings add to each account; negative where they take more than they bring.</summary>
    private static Dictionary<long, long> Nets(IEnumerable<Posting> postings)
    {
        var nets = new Dictionary<long, long>();
        foreach (var posting in postings)
        {
            unchecked
            {
                nets[posting.FromId] = nets.GetValueOrDefault(posting.FromId) - posting.Amount;
                nets[posting.ToId] = nets.GetValueOrDefault(posting.ToId) + posting.Amount;
            }
        }

        return nets;
    }

    private LedgerAccount Account(long id) =>
        _accounts.TryGetValue(id, out var account) ? account : throw new LedgerRefusalException(new AccountNotFound(id));

    private Clock Now()
    {
        var state = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(state, _version);
        return new Clock.vector(new VectorClock(state));
    }

    private static LedgerRefusalException Refusal(string error) => new(new InvalidRequest([error]));
}
