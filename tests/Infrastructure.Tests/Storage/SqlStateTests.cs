using System.Collections.Concurrent;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing;
using PayoutManager.Testing.InMemory;
using Xunit.Abstractions;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>
/// Each statement of each use case fails with every kind of error, before it took effect and, for errors that do not rule that out,
/// after. Nobody may be told that nothing was done where something was, and everything ends.
/// </summary>
public sealed class SqlStateTests(ITestOutputHelper output)
{
    private const int Always = int.MaxValue;
    private const int AtOnce = 16;
    private const string Apply = nameof(IPayoutStatements.TryApplyAsync);

    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);
    private static readonly CancellationToken None = CancellationToken.None;

    /// <summary>What is done with a payout, what was there before, and what comes of it.</summary>
    private sealed record Story(Func<World, string, Task> Prepare, Func<World, string, Task>? Call, Setting Setting = Setting.Plain)
    {
        /// <summary>Whether the payout changes whatever comes of the call, by another's operation.</summary>
        public bool ChangesAnyway { get; init; }
    }

    private enum Setting
    {
        Plain,
        NoMoney,
        LostAnswers,
        SlowLedger,
    }

    private static readonly Dictionary<string, Story> Stories = new()
    {
        ["create"] = new((_, _) => Task.CompletedTask, (w, id) => w.Host.CreateAsync(id)),
        ["create without money"] = new((_, _) => Task.CompletedTask, (w, id) => w.Host.CreateAsync(id), Setting.NoMoney),
        ["create on a spent plan"] = new(
            async (w, id) =>
            {
                var plan = Payouts.Unpaid(id).HoldPlan;
                await w.Ledger.HoldAsync(plan, None);
                await w.Ledger.RollbackAsync(plan, None);
            },
            (w, id) => w.Host.CreateAsync(id)),
        ["create of what exists"] = new((w, id) => w.Host.CreateAsync(id), (w, id) => w.Host.CreateAsync(id)),
        ["create that takes over"] = new((w, id) => w.LeaveCreateAsync(id), (w, id) => w.Host.CreateAsync(id)),
        ["create whose hold's answer is lost"] = new(
            (_, _) => Task.CompletedTask, (w, id) => w.Host.CreateAsync(id), Setting.LostAnswers),
        ["create that renews its lease"] = new((_, _) => Task.CompletedTask, (w, id) => w.Host.CreateAsync(id), Setting.SlowLedger),
        ["confirm"] = new((w, id) => w.Host.CreateAsync(id), (w, id) => w.Host.ConfirmAsync(id)),
        ["cancel"] = new((w, id) => w.Host.CreateAsync(id), (w, id) => w.Host.CancelAsync(id)),
        ["cancel of what is confirmed"] = new((w, id) => w.CreateConfirmedAsync(id), (w, id) => w.Host.CancelAsync(id)),
        ["confirm that finishes another's"] = new(
            async (w, id) =>
            {
                await w.Host.CreateAsync(id);
                await w.LeaveAsync(id, new ConfirmIntent(), 0);
            },
            (w, id) => w.Host.ConfirmAsync(id))
        { ChangesAnyway = true },
        ["recovery of a create"] = new((w, id) => w.LeaveCreateAsync(id), Call: null),
        ["recovery of a confirm"] = new(
            async (w, id) =>
            {
                await w.Host.CreateAsync(id);
                await w.LeaveAsync(id, new ConfirmIntent(), 0);
            },
            Call: null),
        ["recovery of a cancel of what is confirmed"] = new(
            async (w, id) =>
            {
                await w.CreateConfirmedAsync(id);
                await w.LeaveAsync(id, new CancelIntent("why"), 1);
            },
            Call: null),
    };

    /// <summary>The names of all.</summary>
    public static TheoryData<string> AllStories { get; } = [.. Stories.Keys];

    [Theory]
    [MemberData(nameof(AllStories))]
    public async Task No_error_at_any_statement_is_mistaken_for_another_outcome(string name)
    {
        var story = Stories[name];
        await using var world = await World.CreateAsync(story.Setting);

        // Once without any error, to see what the statements are.
        await story.Prepare(world, "dry");
        var prepared = world.Statements.MadeOf("dry").CountBy(statement => statement).ToDictionary();
        var toldWithout = story.Call is { } call ? await TellAsync(world, "dry", call) : await RecoverAsync(world);
        Assert.DoesNotContain("raw", toldWithout, StringComparison.Ordinal);
        string[] statements =
        [
            .. world.Statements.MadeOf("dry").CountBy(statement => statement)
                .Where(of => of.Value > prepared.GetValueOrDefault(of.Key))
                .Select(of => of.Key)
                .Order(StringComparer.Ordinal),
        ];

        List<(string Id, StatementFault Fault, string Name)> cases = [];
        foreach (var statement in statements)
        {
            foreach (var (error, create, isRefusal) in SqlStates.All)
            {
                Add(afterEffect: false, times: 1);
                if (isRefusal)
                    Add(afterEffect: false, Always);
                else
                    Add(afterEffect: true, times: 1);

                void Add(bool afterEffect, int times) => cases.Add((
                    $"p{cases.Count:d6}",
                    new StatementFault(statement, create, afterEffect, times),
                    $"{statement}: {error} {(afterEffect ? "after" : "before")} its effect, {(times == 1 ? "once" : "always")}"));
            }
        }

        var failures = new ConcurrentBag<string>();
        foreach (var some in cases.Chunk(story.Call is null ? AtOnce : cases.Count))
        {
            await ForEachAsync(some, of => story.Prepare(world, of.Id));
            var payoutsBefore = new ConcurrentDictionary<string, PayoutState?>();
            await ForEachAsync(some, async of => payoutsBefore[of.Id] = await world.StateOfAsync(of.Id));
            foreach (var of in some)
                world.Statements.Arm(of.Id, of.Fault);

            var answers = new ConcurrentDictionary<string, string>();
            if (story.Call is { } callAsync)
                await ForEachAsync(some, async of => answers[of.Id] = await TellAsync(world, of.Id, callAsync));
            else
                await RecoverAsync(world);
            var applied = some
                .Where(of => world.Statements.MadeOf(of.Id).Count(statement => statement == Apply) > prepared.GetValueOrDefault(Apply))
                .Select(of => of.Id)
                .ToHashSet();
            world.Statements.Disarm();
            world.Lost.Lose = false;
            await world.RecoverAllAsync();

            await ForEachAsync(some, async of =>
            {
                var told = answers.GetValueOrDefault(of.Id);
                if (story.ChangesAnyway && told is "not done")
                    told = null;
                var wrong = await FindFaultsAsync(world, of.Id, payoutsBefore[of.Id], told, applied.Contains(of.Id));
                foreach (var fault in wrong)
                    failures.Add($"{of.Name}: {fault}");
            });
            world.Lost.Lose = story.Setting == Setting.LostAnswers;
        }

        output.WriteLine($"{name}: told {toldWithout} without errors; {cases.Count} cases at {string.Join(", ", statements)}");
        foreach (var failure in failures.Order(StringComparer.Ordinal).Take(40))
            output.WriteLine(failure);
        Assert.Empty(failures);
        Assert.NotEmpty(cases);
    }

    private static Task ForEachAsync<T>(IEnumerable<T> items, Func<T, Task> runAsync) => Parallel.ForEachAsync(
        items, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (item, _) => await runAsync(item));

    private static async Task<string> RecoverAsync(World world)
    {
        // Whoever meets an error leaves it to the next one.
        for (var scan = 0; scan < 3; scan++)
            await world.Host.RecoverAsync();
        return "nobody";
    }

    private static async Task<string> TellAsync(World world, string id, Func<World, string, Task> callAsync)
    {
        try
        {
            await callAsync(world, id);
            return "success";
        }
        catch (Exception e)
        {
            return e switch
            {
                _ when e.Message.Contains(SqlStates.Data, StringComparison.Ordinal) => $"a leak: {e.Message}",
                // A mistake of this program before anything was written is no failure of the database.
                NotDoneException or InvalidCastException => "not done",
                OutcomeUnknownException => "unknown",
                PayoutRefusedException or LedgerRefusedException or InvalidPayoutStateException => "refused",
                _ => $"raw {e.GetType().Name}: {e.Message}",
            };
        }
    }

    private static async Task<List<string>> FindFaultsAsync(
        World world, string id, PayoutState? before, string? told, bool applied)
    {
        var faults = new List<string>();
        var payout = await world.Host.Payouts.FindAsync(new PayoutId(id), None);
        var now = payout?.Status.State;
        if (told is "not done" or "refused" && now != before)
            faults.Add($"told {told}, and it is {now} after {before}");
        if (told is "success" && now is null)
            faults.Add("told success, and there is no payout");
        if (applied && told is not (null or "success"))
            faults.Add($"told {told}, and it was applied");
        if (told is not (null or "success" or "not done" or "refused" or "unknown"))
            faults.Add($"told {told}");

        var plans = world.Ledger.Plans.Where(plan => plan.Key.EndsWith($"_{id}", StringComparison.Ordinal)).ToArray();
        string[] held = [.. plans.Where(p => p.Value == PlanState.Held).Select(p => p.Key)];
        string[] committed = [.. plans.Where(p => p.Value == PlanState.Committed).Select(p => p.Key)];
        var agrees = now switch
        {
            null => held is [] && committed is [],
            PayoutState.Unpaid => held is [var hold] && hold == payout!.HoldPlan.Id && committed is [],
            PayoutState.Confirmed => held is [] && committed is [var commit] && commit == payout!.HoldPlan.Id,
            _ => held is [] && (committed is [] || (committed.Length == 2 && committed.Contains(payout!.HoldPlan.Id))),
        };
        if (!agrees)
            faults.Add($"told {told}; the payout is {now}, the ledger has {string.Join(", ", plans)}");
        var events = world.EventsOf(id);
        if (events != (payout is null ? 0 : payout.SequenceId + 1))
            faults.Add($"{events} events at sequence id {payout?.SequenceId}");
        return faults;
    }

    private sealed class World : IAsyncDisposable
    {
        private readonly string _connectionString;
        private readonly ConcurrentDictionary<string, int> _events = [];
        private FaultyStatements _statements = null!;

        private World(string connectionString, Setting setting)
        {
            _connectionString = connectionString;
            Ledger = new InMemoryLedger { Balance = setting == Setting.NoMoney ? 0 : long.MaxValue };
            if (setting == Setting.SlowLedger)
                Ledger.BeforeCall = _ => Task.Delay(TimeSpan.FromMilliseconds(60), TimeProvider.System);
            Lost = new LostAnswers(Ledger) { Lose = setting == Setting.LostAnswers };
            Host = new StorageHost(
                connectionString,
                Lost,
                inner => _statements = new FaultyStatements(inner),
                new OperationOptions
                {
                    LeaseDuration = setting == Setting.SlowLedger ? TimeSpan.FromMilliseconds(150) : Lease,
                    BusyWait = TimeSpan.Zero,
                });
            _ = Host.Operations;
        }

        public InMemoryLedger Ledger { get; }

        public LostAnswers Lost { get; }

        public StorageHost Host { get; }

        public FaultyStatements Statements => _statements;

        public static async Task<World> CreateAsync(Setting setting)
        {
            var connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
            await StorageHost.MigrateAsync(connectionString);
            return new World(connectionString, setting);
        }

        public async Task CreateConfirmedAsync(string id)
        {
            await Host.CreateAsync(id);
            await Host.ConfirmAsync(id);
        }

        /// <summary>A host died after the hold.</summary>
        public async Task LeaveCreateAsync(string id)
        {
            await LeaveAsync(id, Payouts.CreateIntent(id), expectedSequenceId: null);
            await Ledger.HoldAsync(Payouts.Unpaid(id).HoldPlan, None);
        }

        /// <summary>A host died after it had written an operation down.</summary>
        public async Task LeaveAsync(string id, OperationIntent intent, int? expectedSequenceId)
        {
            var started = Assert.IsType<Intended.Started>(await Host.Operations.IntendAsync(
                new PayoutId(id), intent, expectedSequenceId, Operation.NewOwner(), null, Lease, None));
            await Host.Operations.ReleaseAsync(started.Operation, failure: null, None);
        }

        public async Task<PayoutState?> StateOfAsync(string id) =>
            (await Host.Payouts.FindAsync(new PayoutId(id), None))?.Status.State;

        /// <summary>As of the latest recovery.</summary>
        public int EventsOf(string id) => _events.GetValueOrDefault(id);

        /// <summary>Lets all leases end, and finishes what is left of whatever ended half-way.</summary>
        public async Task RecoverAllAsync()
        {
            const string underWay = "SELECT payout_id FROM pm.payout_operation WHERE kind <> 'spent'";
            for (var left = await Sql.QueryAsync(_connectionString, underWay); left is not []; left = await Sql.QueryAsync(_connectionString, underWay))
            {
                await Sql.ExecuteAsync(
                    _connectionString,
                    "UPDATE pm.payout_operation SET lease_until = statement_timestamp(), next_try_at = NULL WHERE lease_until IS NOT NULL");
                Assert.True(await Host.RecoverAsync() > 0, $"nothing goes on with {string.Join(", ", left)}");
            }

            foreach (var row in await Sql.QueryAsync(_connectionString, "SELECT payout_id || ' ' || count(*) FROM pm.payout_event GROUP BY payout_id"))
                _events[row.Split(' ')[0]] = int.Parse(row.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        }

        public ValueTask DisposeAsync() => Host.DisposeAsync();
    }

    /// <summary>A ledger that holds, and whose answer to that is lost.</summary>
    private sealed class LostAnswers(ILedger inner) : ILedger
    {
        public bool Lose { get; set; }

        public async Task<LedgerClock> HoldAsync(LedgerPlan plan, CancellationToken cancellationToken)
        {
            var clock = await inner.HoldAsync(plan, cancellationToken);
            return Lose ? throw new OutcomeUnknownException("The answer was lost.") : clock;
        }

        public Task CommitAsync(LedgerPlan plan, CancellationToken cancellationToken) => inner.CommitAsync(plan, cancellationToken);

        public Task RollbackAsync(LedgerPlan plan, CancellationToken cancellationToken) => inner.RollbackAsync(plan, cancellationToken);

        public Task<long> GetMinAvailableAmountAsync(long accountId, LedgerClock clock, CancellationToken cancellationToken) =>
            inner.GetMinAvailableAmountAsync(accountId, clock, cancellationToken);

        public Task<bool> AnswersAsync(CancellationToken cancellationToken) => inner.AnswersAsync(cancellationToken);
    }
}
