using PayoutManager.Application.Audit;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Simulation;

/// <summary>What outlives every host: database, ledger, topic. Each change is checked at once.</summary>
internal sealed class World
{
    private static readonly TimeSpan AnyAge = TimeSpan.FromHours(-1);

    private readonly List<string> _trace = [];
    private readonly Dictionary<string, int> _lastTold = [];
    private readonly HashSet<string> _refusedOnce = [];
    private readonly HashSet<string> _refusedHolds = [];

    public World(int seed)
    {
        Scheduler = new Scheduler(seed);
        // A host of the operation that was refused may sleep for as long as a storm lasts, but not for a day, the shortest period.
        Store = new InMemoryStore(Scheduler.Clock) { KeepsRefusals = true };
        Rows = new RowWatch(Store, Scheduler.Clock, Break);
        Network = new Actor("network", Scheduler);
        Ledger = new LedgerBook { IsDeclared = Random.Next(4) == 0 };
    }

    public Scheduler Scheduler { get; }

    public Random Random => Scheduler.Random;

    public InMemoryStore Store { get; }

    /// <summary>Looks at the rows before and after each statement.</summary>
    public RowWatch Rows { get; }

    public LedgerBook Ledger { get; }

    public InMemoryParties Parties { get; } = new();

    /// <summary>The ids that the service made, because callers gave none.</summary>
    public List<PayoutId> MadeIds { get; } = [];

    public PayoutId MakeId()
    {
        MadeIds.Add(new PayoutId($"made-{MadeIds.Count + 1}"));
        return MadeIds[^1];
    }

    /// <summary>Everything of ours that was ever started.</summary>
    public List<SimulatedProcess> Processes { get; } = [];

    /// <summary>Payouts whose plans the ledger does not carry out, though it answers other calls: it fails them, or does not answer.</summary>
    public HashSet<PayoutId> Cursed { get; } = [];

    /// <summary>Carries what nobody waits for any more.</summary>
    public Actor Network { get; }

    /// <summary>How often of a hundred a call to a dependency or the database goes wrong.</summary>
    public int FaultPercent { get; set; }

    /// <summary>How often of a hundred a host falls asleep right after a call of it has taken effect.</summary>
    public int DozePercent { get; set; }

    /// <summary>Whether all callers are after the same payout at a time, so that its changes follow close on each other.</summary>
    public bool PayoutsComeInTurn { get; set; }

    /// <summary>Whether callers hardly pause between two calls.</summary>
    public bool AreCallersHasty { get; set; }

    /// <summary>How often of a hundred what was read from the database arrives late.</summary>
    public int StallPercent { get; set; }

    /// <summary>A host to which each payout that it reads arrives after about a lease.</summary>
    public Actor? SlowReader { get; set; }

    /// <summary>Whether nothing but crashes goes wrong, so that the ledger has no reason to refuse a plan.</summary>
    public bool IsCalm { get; set; }

    /// <summary>Whether an operator has rolled reverts back, so that the ledger may refuse a cancel.</summary>
    public bool OperatorHasMovedPlans { get; private set; }

    /// <summary>
    /// Whether database, ledger or topic have lost their last seconds, so that they may never agree again, what callers were told may not
    /// be so, and the ledger may refuse anything.
    /// </summary>
    public bool HistoryIsLost { get; private set; }

    /// <summary>The records of the topic, which has one partition.</summary>
    public List<(string PayoutId, PublishedEvent Event)> Topic { get; } = [];

    /// <summary>How many records the topic has taken, also those that it has lost.</summary>
    public int Told { get; private set; }

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
    public void Tell(OutboxEvent told)
    {
        var (payoutId, sequenceId) = (told.PayoutId.Value, told.SequenceId);
        Topic.Add((payoutId, new PublishedEvent(
            sequenceId, PayloadDigest.Of(told.Payload), Partition: 0, Offset: Told++, InMemoryStore.StateOf(told.Payload))));
        var last = _lastTold.GetValueOrDefault(payoutId, -1);
        if (sequenceId > last + 1)
            Break($"event {sequenceId} of {payoutId} was told after event {last}");
        if (sequenceId <= last)
            Duplicates++;
        _lastTold[payoutId] = Math.Max(last, sequenceId);
        if (!HistoryIsLost && !Pruned.Contains(told.PayoutId) && Store.Events.All(e => e.Payout.Id.Value != payoutId || e.SequenceId != sequenceId))
            Break($"event {sequenceId} of {payoutId} was told but never stored");
    }

    /// <summary>
    /// What must hold at every moment: acknowledged payouts never overdraw an account. By the ledger's state of their
    /// plans, which is ahead of the payout's own between the ledger's call and its application.
    /// </summary>
    public void CheckNow()
    {
        if (HistoryIsLost)
            return;
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

    private bool IsReverted(Payout payout) => RevertsOf(payout.Id).Any(revert => revert.State == PlanState.Committed);

    /// <summary>The plans that were to give a payout's money back, in order of their attempts.</summary>
    public IEnumerable<(LedgerPlan Plan, PlanState State)> RevertsOf(PayoutId payoutId) => PlansOf(attempt => LedgerPlan.RevertId(payoutId, attempt));

    /// <summary>The plans that were to carry a payout out, in order of their attempts.</summary>
    public IEnumerable<(LedgerPlan Plan, PlanState State)> HoldsOf(PayoutId payoutId) => PlansOf(attempt => LedgerPlan.HoldId(payoutId, attempt));

    /// <summary>Whether a plan carries out a payout, or gives its money back, at any attempt.</summary>
    public static bool IsPlanOf(PayoutId payoutId, LedgerPlan plan) =>
        Enumerable.Range(1, 20).Any(attempt => plan.Id == LedgerPlan.HoldId(payoutId, attempt) || plan.Id == LedgerPlan.RevertId(payoutId, attempt));

    /// <summary>Whether the ledger refuses a call this time, without a reason: never the same call twice.</summary>
    public bool RefusesForOnce(string call) => FaultPercent > 0 && Random.Next(100) < 2 && _refusedOnce.Add(call);

    /// <summary>Whether an operator rolls reverts back as soon as they are held.</summary>
    public bool IsOperatorQuick { get; set; }

    /// <summary>Whether what happens now was asked for long ago.</summary>
    public bool IsLate { get; set; }

    /// <summary>
    /// Plans that the ledger refused, and then held because of a call that arrived when everybody had given up. It is promised of none
    /// that nothing stays held.
    /// </summary>
    public HashSet<string> HeldTooLate { get; } = [];

    /// <summary>The ledger holds a plan.</summary>
    public LedgerReply Hold(LedgerPlan plan)
    {
        var reply = Ledger.Hold(plan);
        if (reply == LedgerReply.Refused && !Ledger.Plans.ContainsKey(plan.Id))
            _refusedHolds.Add(plan.Id);
        if (reply == LedgerReply.Ok && IsLate && _refusedHolds.Contains(plan.Id))
            HeldTooLate.Add(plan.Id);
        if (IsOperatorQuick && Random.Next(2) == 0)
            RollBackReverts();
        return reply;
    }

    /// <summary>An operator rolls back every revert that is held.</summary>
    public void RollBackReverts()
    {
        foreach (var (plan, _) in Ledger.Plans.Values.Where(p => p.Plan.Id.StartsWith("revert", StringComparison.Ordinal) && p.State == PlanState.Held).ToList())
        {
            OperatorHasMovedPlans = true;
            Ledger.Move(plan, PlanState.RolledBack);
            Note("operator", $"rolls back {plan.Id}");
        }
    }

    /// <summary>The payouts whose old history was ever deleted.</summary>
    public HashSet<PayoutId> Pruned { get; } = [];

    /// <summary>Retention deletes what it may, as if all of it were old enough.</summary>
    public void Prune()
    {
        var notes = Store.PruneSpentAttemptsAsync(AnyAge, PlanMoves.MaxNewAttempts, int.MaxValue, CancellationToken.None).Result;
        var before = Store.Events.ToList();
        var events = Store.PruneEventsAsync(AnyAge, int.MaxValue, CancellationToken.None).Result;
        Pruned.UnionWith(before.Except(Store.Events).Select(e => e.Payout.Id));
        if (notes.Deleted > 0)
            Note("world", $"{notes.Deleted} old notes of spent attempts are deleted");
        if (events.Deleted > 0)
            Note("world", $"{events.Deleted} old events are deleted");
    }

    /// <summary>The database fails over to a standby that lacks the last commits.</summary>
    public void FailOver(Action restore)
    {
        restore();
        HistoryIsLost = true;
        Note("world", "the database has lost its last seconds");
    }

    /// <summary>The ledger is restored from a backup.</summary>
    public void RestoreLedger(IReadOnlyDictionary<string, (LedgerPlan Plan, PlanState State)> backup)
    {
        Ledger.Restore(backup);
        HistoryIsLost = true;
        Note("world", "the ledger has lost its last seconds");
    }

    /// <summary>The broker's new leader lacks the last records. Consumers may have seen them.</summary>
    public void CutTopic(int length)
    {
        Topic.RemoveRange(length, Topic.Count - length);
        HistoryIsLost = true;
        Note("world", "the topic has lost its last seconds");
    }

    // Attempts that were never held leave gaps.
    private IEnumerable<(LedgerPlan Plan, PlanState State)> PlansOf(Func<int, string> name) =>
        Enumerable.Range(1, Ledger.Plans.Count + 20).Select(attempt => Ledger.Plans.GetValueOrDefault(name(attempt))).Where(known => known.Plan is not null);
}
