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

    // More than one scan of recovery takes.
    private const int BurstSize = 40;

    // Its plans' names do not fit the ledger, so they are hashed.
    private static readonly string LongId = $"p-long-{new string('x', 80)}";

    private readonly World _world;
    private readonly SimulatedHost[] _hosts;
    private readonly List<Caller> _callers = [];
    private readonly List<(Request Request, Told Told)> _memory = [];
    private int _born;

    private Simulation(int seed)
    {
        _world = new World(seed);
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
        return new Report(seed, world.Broken, world.Trace, simulation._memory.Count, world.Topic.Count, world.Duplicates);
    }

    private void Rage()
    {
        var random = _world.Random;
        _world.FaultPercent = random.Next(4) * 5;
        _world.DozePercent = random.Next(2) == 0 ? random.Next(1, 6) * 4 : 0;
        _world.IsCalm = _world.FaultPercent == 0 && _world.DozePercent == 0;
        _world.PayoutsComeInTurn = random.Next(2) == 0;
        List<string> payouts = [.. Enumerable.Range(1, Math.Max(1, random.Next(6) - 1)).Select(i => $"p{i}")];
        if (random.Next(4) == 0)
            payouts[^1] = LongId;
        for (var i = random.Next(2, 7); i > 0; i--)
            StartCaller($"caller {i}", () => _hosts[random.Next(_hosts.Length)], payouts, random.Next(2, 9));

        for (var i = random.Next(4); i > 0; i--)
            At(random.Next((int)Storm.TotalMilliseconds), Crash);
        for (var i = random.Next(5); i > 0; i--)
        {
            _world.IsCalm = false;
            At(random.Next((int)Storm.TotalMilliseconds), Sleep);
        }

        for (var i = random.Next(4); i > 0; i--)
            At(random.Next((int)Storm.TotalMilliseconds), _world.RollBackReverts);
        for (var i = random.Next(4); i > 0; i--)
            At(random.Next((int)Storm.TotalMilliseconds), ChangeTerms);
        if (random.Next(12) == 0)
            At(random.Next((int)Storm.TotalMilliseconds), Burst);
        if (random.Next(8) == 0)
            LoseHistory(random.Next((int)Storm.TotalMilliseconds), random.Next(1, 5_000));

        _world.Scheduler.RunFor(Storm);
        for (var minutes = 0; _callers.Any(caller => !caller.IsDone); minutes++)
        {
            Require(minutes < 10, "a caller is never answered");
            if (minutes == 10)
                return;
            _world.Scheduler.RunFor(TimeSpan.FromMinutes(1));
        }
    }

    private void Mend()
    {
        _world.FaultPercent = 0;
        _world.DozePercent = 0;
        foreach (var host in _hosts)
            host.Actor.Wake();
        _world.Note("world", "everything is mended");
        _world.Scheduler.RunFor(Promise);
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
            {
                CheckPaidOnce(id);
                continue;
            }

            CheckLedger(id, payout);
            CheckEvents(id.Value, payout);
            if (!_world.MadeIds.Contains(id))
                CheckTold(id.Value, payout);
        }

        CheckEventsArePublished();
        if (_world.HistoryIsLost)
            return;
        CheckMadeIds();
        var known = ids.SelectMany(id => _world.HoldsOf(id).Concat(_world.RevertsOf(id))).Select(plan => plan.Plan.Id).ToHashSet();
        Require(_world.Ledger.Plans.Keys.All(known.Contains), "the ledger has a plan of no payout id");
        Require(_world.Ledger.MinAvailable(InMemoryParties.Settlement) >= 0, "the account is overdrawn");
    }

    /// <summary>Each payout's state is that of its plan, and no other plan of it is held or committed.</summary>
    private void CheckLedger(PayoutId id, Payout? payout)
    {
        var expected = new List<(string Plan, PlanState State)>();
        if (payout is not null)
        {
            var reverted = _world.Store.Events.Any(e => e.Payout.Id == payout.Id && e.Payout.Status.State == PayoutState.Confirmed);
            switch (payout.Status.State)
            {
                case PayoutState.Unpaid:
                    expected.Add((payout.HoldPlan.Id, PlanState.Held));
                    break;
                case PayoutState.Confirmed:
                    expected.Add((payout.HoldPlan.Id, PlanState.Committed));
                    break;
                case PayoutState.Cancelled when reverted:
                    expected.Add((payout.HoldPlan.Id, PlanState.Committed));
                    // An operator may have rolled back earlier ones.
                    expected.Add((_world.RevertsOf(id).Select(revert => revert.Plan.Id).LastOrDefault("a revert"), PlanState.Committed));
                    break;
            }
        }

        var actual = _world.HoldsOf(id).Concat(_world.RevertsOf(id))
            .Where(p => p.State != PlanState.RolledBack)
            .Select(p => (p.Plan.Id, p.State))
            .Order();
        Require(
            actual.SequenceEqual(expected.Order()),
            $"{id} is {payout?.Status.ToString() ?? "not there"}, its plans are {string.Join(", ", actual)}");
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
        Require(_world.Store.Published.Count == _world.Store.Events.Count, "an event is not published");
        Require(_world.Store.Events.All(e => _world.Topic.Contains((e.Payout.Id.Value, e.SequenceId))), "an event was not told");
    }

    /// <summary>Events are 0..n, all told, and the last shows the payout as it is.</summary>
    private void CheckEvents(string id, Payout? payout)
    {
        var stored = _world.Store.Events.Where(e => e.Payout.Id.Value == id).ToList();
        Require(
            stored.Select(e => e.SequenceId).SequenceEqual(Enumerable.Range(0, (payout?.SequenceId ?? -1) + 1)),
            $"{id} has the events {string.Join(", ", stored.Select(e => e.SequenceId))}");
        Require(payout is null || stored[^1].Payout == payout, $"the last event of {id} is not the payout as it is");
    }

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

    private SimulatedHost Bear() => new(_world, $"host {++_born}");

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

    /// <summary>More operations at a time than one scan of recovery takes, on a host that then dies.</summary>
    private void Burst()
    {
        var slot = _world.Random.Next(_hosts.Length);
        var host = _hosts[slot];
        for (var i = 1; i <= BurstSize; i++)
            StartCaller($"burst {i}", () => host, [$"b{i}"], calls: 1);
        At(3_000 + _world.Random.Next(500), () =>
        {
            _world.Note(host.Actor.Name, "is killed in the burst");
            host.Actor.Crash();
            if (_hosts[slot] == host)
                _hosts[slot] = Bear();
        });
    }

    private void ChangeTerms()
    {
        _world.Parties.FixedFee = 2_000 + _world.Random.Next(3) * 500;
        _world.Note("operator", $"the fixed fee is {_world.Parties.FixedFee} now");
    }

    private void LoseHistory(int at, int seconds)
    {
        var isDatabase = _world.Random.Next(2) == 0;
        _world.IsCalm = false;
        At(Math.Max(0, at - seconds), () =>
        {
            if (isDatabase)
            {
                var restore = _world.Store.TakeBackup();
                At(seconds, () => _world.FailOver(restore));
            }
            else
            {
                var backup = _world.Ledger.Plans.ToDictionary();
                At(seconds, () => _world.RestoreLedger(backup));
            }
        });
    }

    private void StartCaller(string name, Func<SimulatedHost> host, IReadOnlyList<string> payouts, int calls)
    {
        var caller = new Caller(_world, name, host, _memory);
        caller.Start(payouts, calls);
        _callers.Add(caller);
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
