using PayoutManager.Application.Audit;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Simulation;

/// <summary>
/// A run: several hosts and many callers on a world in which calls fail, hosts sleep and die. Then everything is mended,
/// and after the promised time everything has to be as the invariants say.
/// </summary>
internal sealed class Simulation
{
    /// <summary>How long things go wrong.</summary>
    public static readonly TimeSpan Storm = TimeSpan.FromSeconds(45);

    // Lease and scan interval, and what a few slow calls take; and the longest that a late call stays on its way.
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(15 + 2 + 13);

    private static readonly TimeSpan EnoughForAnAudit = TimeSpan.FromMinutes(1);

    // Of those, more are cursed than a host recovers at once.
    private const int BurstSize = 90;

    // Its plans' names do not fit the ledger, so they are hashed.
    private static readonly string LongId = $"p-long-{new string('x', 80)}";

    // Decided by itself, so that most runs stay as they were before there was any retention.
    private readonly Random _retention;
    private readonly World _world;
    private readonly SimulatedHost[] _hosts;
    private readonly List<Caller> _callers = [];
    private readonly List<(Request Request, Told Told)> _memory = [];
    private readonly List<AuditRun> _audits = [];
    private int _born;

    private Simulation(int seed)
    {
        _world = new World(seed);
        _retention = new Random(seed);
        _world.Ledger.Balances[InMemoryParties.Settlement] = _world.Random.Next(2, 8) * 30_000;
        _hosts = [.. Enumerable.Range(0, _world.Random.Next(2, 4)).Select(_ => Bear())];
    }

    /// <summary>Runs a seed.</summary>
    public static Report Run(int seed)
    {
        var simulation = new Simulation(seed);
        simulation.Rage();
        simulation.Mend();
        simulation.CheckEnd();
        var world = simulation._world;
        foreach (var process in world.Processes)
            process.Dispose();
        return new Report(seed, world.Broken, world.Trace, simulation._memory.Count, world.Told, world.Duplicates);
    }

    private void Rage()
    {
        var random = _world.Random;
        _world.FaultPercent = random.Next(4) * 5;
        _world.DozePercent = random.Next(2) == 0 ? random.Next(1, 6) * 4 : 0;
        _world.StallPercent = _world.DozePercent;
        _world.IsCalm = _world.FaultPercent == 0 && _world.DozePercent == 0;
        _world.PayoutsComeInTurn = random.Next(2) == 0;
        _world.AreCallersHasty = _world.PayoutsComeInTurn && random.Next(4) == 0;
        var count = Math.Max(1, random.Next(6) - 1);
        if (_world.AreCallersHasty)
        {
            count = random.Next(5, 25);
            _world.StallPercent += 10;
            _world.FaultPercent += 10;
            _world.IsCalm = false;
            _world.Ledger.Balances[InMemoryParties.Settlement] *= 4;
        }

        List<string> payouts = [.. Enumerable.Range(1, count).Select(i => $"p{i}")];
        if (random.Next(4) == 0)
            payouts[^1] = LongId;
        if (random.Next(8) == 0)
            Curse(payouts);
        for (var i = random.Next(2, 7); i > 0; i--)
            StartCaller($"caller {i}", () => _hosts[random.Next(_hosts.Length)], payouts, _world.AreCallersHasty ? 40 : random.Next(2, 9));

        for (var i = random.Next(4); i > 0; i--)
            At(AnyTime(), Crash);
        for (var i = random.Next(5); i > 0; i--)
        {
            _world.IsCalm = false;
            At(AnyTime(), Sleep);
        }

        for (var i = random.Next(4); i > 0; i--)
            At(AnyTime(), _world.RollBackReverts);
        for (var i = random.Next(4); i > 0; i--)
            At(AnyTime(), ChangeTerms);
        for (var i = random.Next(4); i > 0; i--)
            At(AnyTime(), () => Audit(payouts));
        if (random.Next(12) == 0)
            At(AnyTime(), Burst);
        if (random.Next(8) == 0)
            At(AnyTime(), ReadLate);
        if (random.Next(6) == 0)
            LoseHistory(AnyTime(), random.Next(1, 10_000), payouts);
        if (_retention.Next(4) == 0)
        {
            // A create that has forgotten its spent attempts is refused if it now has other postings.
            _world.IsCalm = false;
            for (var i = _retention.Next(1, 20); i > 0; i--)
                At(_retention.Next((int)Storm.TotalMilliseconds), _world.Prune);
        }

        _world.Scheduler.RunFor(Storm);
        RunUntil(() => _callers.All(caller => caller.IsDone), TimeSpan.FromMinutes(1), "a caller is never answered");
        RunUntil(() => _audits.All(audit => audit.IsOver), TimeSpan.FromMinutes(1), "an audit never ends");
    }

    private void RunUntil(Func<bool> isSo, TimeSpan step, string otherwise)
    {
        for (var steps = 0; steps < 10 && !isSo(); steps++)
            _world.Scheduler.RunFor(step);
        Require(isSo(), otherwise);
    }

    private void Mend()
    {
        _world.FaultPercent = 0;
        _world.DozePercent = 0;
        _world.StallPercent = 0;
        foreach (var host in _hosts)
            host.Actor.Wake();
        _world.Note("world", $"everything is mended{(_world.Cursed.Count == 0 ? "" : " but what is cursed")}");
        _world.Scheduler.RunFor(Promise);

        // What failed by itself is left alone for a while; whatever is cursed keeps nothing else from being finished.
        var left = _world.Store.Operations.Where(row => !_world.Cursed.Contains(row.Operation.PayoutId)).ToList();
        foreach (var (operation, _, nextTryAt) in left)
            Require(nextTryAt > _world.Scheduler.Clock.GetUtcNow(), $"an operation on {operation.PayoutId} is not finished");
        if (_world.Cursed.Count > 0)
        {
            _world.Note("world", "nothing is cursed any more");
            _world.Cursed.Clear();
            // Tries that are under way fail, and are followed by a pause.
            _world.Scheduler.RunFor(Promise);
        }

        var latest = _world.Store.Operations.Max(row => row.NextTryAt) - _world.Scheduler.Clock.GetUtcNow();
        if (latest is { } wait)
            _world.Scheduler.RunFor((wait > TimeSpan.Zero ? wait : TimeSpan.Zero) + Promise);
    }

    private void CheckEnd()
    {
        var ids = _memory.Select(m => new PayoutId(m.Request.PayoutId))
            .Where(id => id.Value != CreateWithoutIdRequest.NoId)
            .Concat(_world.MadeIds)
            .Distinct()
            .OrderBy(id => id.Value, StringComparer.Ordinal)
            .ToList();
        foreach (var id in ids)
        {
            var payout = _world.Store.FindAsync(id, CancellationToken.None).Result;
            Require(_world.Store.SpentAttempts(id) is not null, $"an operation on {id} is not finished");
            if (_world.HistoryIsLost)
                continue;
            foreach (var fault in LedgerFaults(id, payout).Concat(EventFaults(id, payout)))
                _world.Break(fault);
            if (!_world.MadeIds.Contains(id))
                CheckTold(id.Value, payout);
        }

        CheckAudits();
        foreach (var id in ids)
            CheckPaidOnce(id);
        CheckEventsArePublished();
        Require(!_world.Scheduler.Clock.StoodStill, "somebody works on without a pause");
        if (_world.HistoryIsLost)
            return;
        CheckMadeIds();
        var known = ids.SelectMany(id => _world.HoldsOf(id).Concat(_world.RevertsOf(id))).Select(plan => plan.Plan.Id).ToHashSet();
        Require(_world.Ledger.Plans.Keys.All(known.Contains), "the ledger has a plan of no payout id");
        Require(_world.Ledger.MinAvailable(InMemoryParties.Settlement, without: _world.HeldTooLate) >= 0, "the account is overdrawn");
    }

    /// <summary>
    /// What an audit says is so: by the ledger's records everything, by calls at least nothing wrong. Where history is lost, a repair of
    /// each payout leaves only what people have to decide, also where two operators repair at once.
    /// </summary>
    private void CheckAudits()
    {
        CompareAudits();
        if (!_world.HistoryIsLost)
            return;
        foreach (var payout in _world.Store.Payouts.ToList())
        {
            NewAudit(readsLedgerRecords: true).Repair(payout.Id.Value, EnoughForAnAudit);
            NewAudit(readsLedgerRecords: false).Repair(payout.Id.Value, EnoughForAnAudit);
        }

        RunUntil(() => _audits.All(audit => audit.IsOver), EnoughForAnAudit, "a repair never ends");
        _world.Scheduler.RunFor(Promise);
        foreach (var finding in CompareAudits())
            Require(!finding.Repairs.Any(), $"repairs left {finding.PayoutId} with {string.Join(", ", finding.Repairs)}");
    }

    /// <returns>What the audit by records found.</returns>
    private IReadOnlyList<PayoutAudit> CompareAudits()
    {
        var plans = _world.Ledger.Plans.ToDictionary();
        var byRecords = AuditAll(readsLedgerRecords: true);
        Require(plans.OrderBy(p => p.Key).SequenceEqual(_world.Ledger.Plans.OrderBy(p => p.Key)), "an audit by records has moved a plan");
        foreach (var payout in _world.Store.Payouts)
        {
            var faults = Faults(payout);
            var found = byRecords.SingleOrDefault(finding => finding.PayoutId == payout.Id);
            Require(
                found is null == (faults.Count == 0),
                $"an audit by records finds {Describe(found)}, and {(faults.Count == 0 ? $"{payout.Id} is as it must be" : string.Join(", ", faults))}");
        }

        var isRight = _world.Store.Payouts.ToDictionary(payout => payout.Id, payout => Faults(payout).Count == 0);
        foreach (var found in AuditAll(readsLedgerRecords: false))
        {
            Require(found is { IsUnderWay: false, Failure: null }, $"an audit by calls finds {found.Failure ?? "an operation"} on {found.PayoutId}");
            Require(found.Disagreements.Count == 0 || !isRight[found.PayoutId], $"an audit by calls finds {Describe(found)}, and it is as it must be");
        }

        return byRecords;
    }

    private IReadOnlyList<PayoutAudit> AuditAll(bool readsLedgerRecords)
    {
        var audit = NewAudit(readsLedgerRecords);
        audit.LookAtAll(EnoughForAnAudit);
        RunUntil(() => audit.IsOver, TimeSpan.FromSeconds(5), "an audit never ends");
        Require(audit.Report is { IsComplete: true } report && report.Payouts == _world.Store.Payouts.Count, "an audit does not look at every payout");
        return audit.Report?.Findings ?? [];
    }

    private static string Describe(PayoutAudit? found) =>
        found is null ? "nothing" : string.Join(", ", found.Disagreements.Concat(found.NotKnown).Select(d => d.Description));

    /// <summary>What is not as it must be, by database, ledger and topic themselves.</summary>
    private List<string> Faults(Payout payout) => [.. LedgerFaults(payout.Id, payout), .. EventFaults(payout.Id, payout), .. TopicFaults(payout.Id)];

    /// <summary>L1 to L4: each payout's state is that of its plan, and no other plan of it is held or committed.</summary>
    private IEnumerable<string> LedgerFaults(PayoutId id, Payout? payout)
    {
        var holds = _world.HoldsOf(id)
            .Where(p => p.State != PlanState.RolledBack && (payout is not null || !_world.HeldTooLate.Contains(p.Plan.Id)))
            .ToList();
        var reverts = _world.RevertsOf(id).Where(p => p.State != PlanState.RolledBack).ToList();
        var own = holds.Where(p => p.Plan.Id == payout?.HoldPlan.Id).ToList();
        var isSo = holds.Count == own.Count && payout?.Status.State switch
        {
            PayoutState.Unpaid => own is [{ State: PlanState.Held }] && reverts.Count == 0,
            PayoutState.Confirmed => own is [{ State: PlanState.Committed }] && reverts.Count == 0,
            _ => (own.Count == 0 && reverts.Count == 0)
                || (own is [{ State: PlanState.Committed }] && reverts is [{ State: PlanState.Committed }]),
        };
        if (!isSo)
            yield return $"{id} is {payout?.Status.ToString() ?? "not there"}, its plans are {string.Join(", ", holds.Concat(reverts).Select(p => (p.Plan.Id, p.State)).Order())}";
        if (payout is not null && _world.HoldsOf(id).All(p => p.Plan.Id != payout.HoldPlan.Id))
            yield return $"the ledger does not know {payout.HoldPlan.Id}";
        if (own.Any(p => !HasPostingsOf(p.Plan, payout!.HoldPlan)))
            yield return $"{payout!.HoldPlan.Id} has other postings than {id}";
    }

    private static bool HasPostingsOf(LedgerPlan plan, LedgerPlan other) => plan.Postings.ToHashSet().SetEquals(other.Postings);

    /// <summary>The topic has the payout's events, and nothing else of it.</summary>
    private IEnumerable<string> TopicFaults(PayoutId id)
    {
        var stored = _world.Store.ReadAsync([id], CancellationToken.None).Result[id].Events.Select(e => (SequenceId: (int?)e.SequenceId, e.Digest)).ToList();
        var told = _world.Topic.Where(r => r.PayoutId == id.Value).Select(r => (r.Event.SequenceId, r.Event.Digest)).Distinct().ToList();
        if (_world.Pruned.Contains(id) && stored is [var first, ..])
            told.RemoveAll(e => e.SequenceId < first.SequenceId);
        if (!told.SequenceEqual(stored))
            yield return $"the topic has the events {string.Join(", ", told.Select(e => e.SequenceId))} of {id}";
    }

    /// <summary>What holds even where the database or the ledger has lost its last seconds: nobody is paid twice.</summary>
    private void CheckPaidOnce(PayoutId id)
    {
        var paid = _world.HoldsOf(id).Count(plan => plan.State == PlanState.Committed);
        Require(paid <= 1, $"{id} was paid {paid} times");
        var reverted = _world.RevertsOf(id).Count(plan => plan.State == PlanState.Committed);
        Require(reverted <= 1, $"the money of {id} was given back {reverted} times");
    }

    /// <summary>Whoever gave no id gets one payout for each success, and none for a refusal or what was not done.</summary>
    private void CheckMadeIds()
    {
        var created = _world.MadeIds.Count(id => _world.Store.Payouts.Any(payout => payout.Id == id));
        var told = _memory.Where(m => m.Request is CreateWithoutIdRequest).Select(m => m.Told).ToList();
        Require(created >= told.Count(t => t == Told.Success), "a payout without an id of the caller's was created, and is not there");
        Require(
            created <= told.Count(t => t is Told.Success or Told.Unknown),
            "a payout without an id of the caller's is there, though its create was refused or not done");
    }

    private void CheckEventsArePublished()
    {
        Require(_world.Store.Outbox.Count == 0, "an event is not published");
        var told = _world.Topic.Select(r => (r.PayoutId, r.Event.SequenceId)).ToHashSet();
        Require(_world.Store.Events.All(e => told.Contains((e.Payout.Id.Value, e.SequenceId))), "an event was not told");
    }

    /// <summary>E1: events are 0..n, and the last shows the payout as it is.</summary>
    private IEnumerable<string> EventFaults(PayoutId id, Payout? payout)
    {
        var stored = _world.Store.Events.Where(e => e.Payout.Id == id).ToList();
        var first = _world.Pruned.Contains(id) && stored is [var oldest, ..] ? Math.Min(oldest.SequenceId, FirstNeeded(payout)) : 0;
        if (!stored.Select(e => e.SequenceId).SequenceEqual(Enumerable.Range(first, (payout?.SequenceId ?? -1) + 1 - first)))
            yield return $"{id} has the events {string.Join(", ", stored.Select(e => e.SequenceId))}";
        else if (payout is not null && stored[^1].Payout != payout)
            yield return $"the last event of {id} is not the payout as it is";
    }

    /// <summary>The first event that has to stay, because it or one after it tells how the payout ended and whether it was confirmed.</summary>
    private static int FirstNeeded(Payout? payout) => payout switch
    {
        null => 0,
        { Status.State: PayoutState.Cancelled, SequenceId: > 1 } => payout.SequenceId - 1,
        _ => payout.SequenceId,
    };

    /// <summary>Success is durable, and what came about was asked for by a call that was not told that nothing was done.</summary>
    private void CheckTold(string id, Payout? payout)
    {
        bool WasTold<T>(params Told[] told) => _memory.Any(m => m.Request is T && m.Request.PayoutId == id && told.Contains(m.Told));
        var history = _world.Store.Events.Where(e => e.Payout.Id.Value == id).Select(e => e.Payout.Status.State).ToList();

        Require(payout is not null || !WasTold<CreateRequest>(Told.Success), $"{id} was created, and is not there");
        Require(_memory.Count(m => m.Request is CreateRequest && m.Request.PayoutId == id && m.Told == Told.Success) <= 1, $"{id} was created twice");
        Require(history.Contains(PayoutState.Confirmed) || history.Contains(PayoutState.Cancelled) || !WasTold<ConfirmRequest>(Told.Success), $"{id} was confirmed, and is not");
        Require(history.Contains(PayoutState.Cancelled) || !WasTold<CancelRequest>(Told.Success), $"{id} was cancelled, and is not");

        Require(payout is null || WasTold<CreateRequest>(Told.Success, Told.Unknown), $"{id} is there, though every create was refused or not done");
        Require(!history.Contains(PayoutState.Confirmed) || WasTold<ConfirmRequest>(Told.Success, Told.Unknown), $"{id} is confirmed, though every confirm was refused or not done");
        Require(!history.Contains(PayoutState.Cancelled) || WasTold<CancelRequest>(Told.Success, Told.Unknown), $"{id} is cancelled, though every cancel was refused or not done");
    }

    private void Require(bool isSo, string otherwise)
    {
        if (!isSo)
            _world.Break(otherwise);
    }

    private void Curse(IEnumerable<string> payouts)
    {
        var burst = Enumerable.Range(1, BurstSize).Select(i => $"b{i}");
        _world.Cursed.UnionWith(payouts.Where(_ => _world.Random.Next(2) == 0)
            .Concat(burst.Where(_ => _world.Random.Next(5) > 0))
            .Select(id => new PayoutId(id)));
    }

    private SimulatedHost Bear() => new(_world, $"host {++_born}");

    /// <summary>A moment of the storm after which there is still time for what it begins.</summary>
    private int AnyTime() => _world.Random.Next((int)Storm.TotalMilliseconds - 1_000);

    private void At(int milliseconds, Action act) => _world.Network.Start(async () =>
    {
        await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), _world.Scheduler.Clock);
        act();
    });

    private void Crash()
    {
        var i = _world.Random.Next(_hosts.Length);
        _world.Note(_hosts[i].Actor.Name, "is killed");
        _hosts[i].Actor.Crash();
        At(_world.Random.Next(5_000), () =>
        {
            if (_hosts[i].Actor.HasCrashed)
                _hosts[i] = Bear();
        });
    }

    /// <summary>Many operations at a time, on a host that then dies.</summary>
    private void Burst()
    {
        var slot = _world.Random.Next(_hosts.Length);
        var host = _hosts[slot];
        for (var i = 1; i <= BurstSize; i++)
            StartCaller($"burst {i}", () => host, [$"b{i}"], calls: 1);
        At(3_000 + _world.Random.Next(500), () => Kill(slot, host, "in the burst"));
    }

    /// <summary>Kills a host, and starts another in its place, unless somebody else has.</summary>
    private void Kill(int slot, SimulatedHost host, string when)
    {
        _world.Note(host.Actor.Name, $"is killed {when}");
        host.Actor.Crash();
        if (_hosts[slot] == host)
            _hosts[slot] = Bear();
    }

    /// <summary>While a payout is on its way to one host, another confirms it, begins to cancel it, and dies.</summary>
    private void ReadLate()
    {
        const string id = "late-1";
        var slot = _world.Random.Next(_hosts.Length);
        var (changing, reading) = (_hosts[slot], _hosts[(slot + 1) % _hosts.Length]);
        NewCaller("early caller", () => changing).StartInOrder(Go, new CreateRequest(id, 30_000), new ConfirmRequest(id), new CancelRequest(id));

        void Go(Request answered)
        {
            if (answered is CreateRequest)
            {
                _world.SlowReader = reading.Actor;
                At(500, () => _world.SlowReader = null);
                NewCaller("late caller", () => reading).StartInOrder(_ => { }, new ConfirmRequest(id));
            }
            else if (answered is ConfirmRequest)
            {
                At(_world.Random.Next(500), () => Kill(slot, changing, "while a payout is read late"));
            }
        }
    }

    private void ChangeTerms()
    {
        _world.Parties.FixedFee = 2_000 + _world.Random.Next(3) * 500;
        _world.Note("operator", $"the fixed fee is {_world.Parties.FixedFee} now");
        if (_world.Random.Next(3) == 0)
            MoveFees(_world.Parties.FeeAccount + 1);
    }

    /// <summary>Fees go to another account, which the ledger learns of a little later.</summary>
    private void MoveFees(long account)
    {
        _world.IsCalm = false;
        _world.Ledger.UnknownAccounts.Add(account);
        _world.Parties.FeeAccount = account;
        _world.Note("operator", $"fees go to account {account} now");
        At(_world.Random.Next(20_000), () =>
        {
            _world.Ledger.UnknownAccounts.Remove(account);
            _world.Note("operator", $"account {account} is opened");
        });
    }

    /// <summary>Database, ledger or topic lose their last seconds, and operators look for what that has done.</summary>
    private void LoseHistory(int at, int milliseconds, IReadOnlyList<string> payouts)
    {
        var who = _world.Random.Next(3);
        var isOperatorQuick = _world.Random.Next(2) == 0;
        _world.IsCalm = false;
        At(Math.Max(0, at - milliseconds), () =>
        {
            var store = _world.Store.TakeBackup();
            var plans = _world.Ledger.Plans.ToDictionary();
            var records = _world.Topic.Count;
            // What is rolled back now, a restored ledger has never heard of.
            _world.IsOperatorQuick = isOperatorQuick;
            At(milliseconds, () =>
            {
                _world.IsOperatorQuick = false;
                if (who == 0)
                    _world.FailOver(store);
                else if (who == 1)
                    _world.RestoreLedger(plans);
                else
                    _world.CutTopic(records);
            });
        });
        for (var i = _world.Random.Next(6); i > 0; i--)
            At(at + _world.Random.Next(15_000), () => Audit(payouts));
    }

    /// <summary>An operator looks, or repairs a payout; sometimes two do so at once, and some are interrupted.</summary>
    private void Audit(IReadOnlyList<string> payouts)
    {
        List<string> ids = [.. payouts, .. _world.MadeIds.Select(made => made.Value)];
        var id = ids[_world.Random.Next(ids.Count)];
        switch (_world.Random.Next(5))
        {
            case 0:
                StartAudit((audit, timeout) => audit.LookAtAll(timeout));
                break;
            case 1:
                StartAudit((audit, timeout) => audit.LookAt(id, timeout));
                break;
            case 2:
                StartAudit((audit, timeout) => audit.Repair(id, timeout));
                break;
            default:
                StartAudit((audit, timeout) => audit.Repair(id, timeout));
                At(_world.Random.Next(500), () => StartAudit((audit, timeout) => audit.Repair(id, timeout)));
                break;
        }
    }

    private void StartAudit(Action<AuditRun, TimeSpan> start)
    {
        var audit = NewAudit(_world.Random.Next(2) == 0);
        start(audit, TimeSpan.FromMilliseconds(_world.Random.Next(500, 30_000)));
        if (_world.Random.Next(3) > 0)
            return;
        At(_world.Random.Next(2_000), () =>
        {
            if (audit.IsOver)
                return;
            _world.Note(audit.Actor.Name, "is killed");
            audit.Actor.Crash();
        });
    }

    private AuditRun NewAudit(bool readsLedgerRecords)
    {
        var audit = new AuditRun(_world, $"audit {_audits.Count + 1}", readsLedgerRecords);
        _audits.Add(audit);
        return audit;
    }

    private void StartCaller(string name, Func<SimulatedHost> host, IReadOnlyList<string> payouts, int calls)
    {
        NewCaller(name, host).Start(payouts, calls);
    }

    private Caller NewCaller(string name, Func<SimulatedHost> host)
    {
        var caller = new Caller(_world, name, host, _memory);
        _callers.Add(caller);
        return caller;
    }

    private void Sleep()
    {
        var host = _hosts[_world.Random.Next(_hosts.Length)];
        var duration = TimeSpan.FromMilliseconds(_world.Random.Next(1_000, 40_000));
        _world.Note(host.Actor.Name, $"sleeps for {duration.TotalSeconds:F1} s");
        host.Actor.PauseFor(duration);
    }
}

/// <summary>What a run came to.</summary>
internal sealed record Report(int Seed, string? Broken, IReadOnlyList<string> Trace, int Calls, int Events, int Duplicates)
{
    /// <summary>The run from its beginning to what broke, and how to have it again.</summary>
    public string Describe() =>
        $"""
        seed {Seed}: {Broken}
        {string.Join('\n', Trace)}
        The same again: dotnet run -c Release --project tests/Simulation -- {Seed}
        """;
}
