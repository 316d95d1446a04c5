using Microsoft.Extensions.Time.Testing;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>
/// Makes calls on a real store, and finds an order in which the in-memory store gives the same answers and ends in the same state.
/// Calls of one group are made at the same time, so that any order of them will do.
/// </summary>
/// <param name="hosts">The store, as several hosts see it.</param>
/// <param name="isOrdered">Whether lists are compared in their order.</param>
internal sealed class Script(IReadOnlyList<Stores> hosts, bool isOrdered)
{
    /// <summary>More than there can be.</summary>
    public const int All = 1000;

    /// <summary>That of whatever is stored by now.</summary>
    public static readonly TimeSpan AnyAge = TimeSpan.FromHours(-1);

    private static readonly DateTimeOffset Start = Testing.Payouts.Unpaid("p").CreatedAt;

    private readonly List<Call> _history = [];
    private readonly List<Operation> _handedOut = [];
    private readonly List<string> _report = [];
    private InMemoryStore _model = new(TimeProvider.System);
    private int _owners;
    private int _leases;

    /// <summary>Few, so that calls meet.</summary>
    public static IReadOnlyList<PayoutId> PayoutIds { get; } = [new("p1"), new("p2"), new("p3")];

    public bool IsOrdered => isOrdered;

    /// <summary>Runs a script on an empty store.</summary>
    /// <param name="groups">The calls, by those that are made at the same time.</param>
    /// <returns>Null if the stores agree; otherwise what was called and answered up to the disagreement.</returns>
    public async Task<string?> RunAsync(IReadOnlyList<IReadOnlyList<Step>> groups)
    {
        for (var i = 0; i < groups.Count; i++)
        {
            var calls = groups[i].Select(step => step.Resolve(this)).ToList();
            var answers = await Task.WhenAll(
                calls.Select((call, n) => Task.Run(() => AnswerAsync(call, hosts[n % hosts.Count]))));
            _report.AddRange(calls.Select((call, n) => $"{i + 1}. {call.Text}\n     -> {Answers.Describe(answers[n])}"));
            var state = calls.Count > 1 || i == groups.Count - 1 ? await ReadStateAsync(hosts[0]) : null;
            if (await FindDisagreementAsync(calls, answers, state) is { } disagreement)
                return string.Join('\n', [.. _report, disagreement]);
            _handedOut.AddRange(
                answers.Select(answer => answer is Intended.Started started ? started.Operation : answer).OfType<Operation>());
        }

        return null;
    }

    public static OperationIntent IntentOf(ChangeKind kind, PayoutId id, int variant)
    {
        var create = Testing.Payouts.CreateIntent(id.Value, 100_000 + (variant / 2)) with { IdIsOurs = variant == 3 };
        return kind switch
        {
            ChangeKind.Confirm => new ConfirmIntent(),
            ChangeKind.Cancel => new CancelIntent($"why {variant}"),
            _ when variant % 2 == 0 => create,
            _ => create with { Request = create.Request with { PayoutToolId = new PayoutToolId("tool-2") } },
        };
    }

    /// <summary>The port asks for a name that nobody else uses.</summary>
    public string NewOwner() => $"o{++_owners}";

    /// <summary>No two of those that ended long ago do so at once, since the order of such leases means nothing.</summary>
    public TimeSpan LeaseOf(LeaseEnd end) => end switch
    {
        LeaseEnd.Never => TimeSpan.FromHours(1),
        LeaseEnd.Now => TimeSpan.Zero,
        _ => TimeSpan.FromSeconds(++_leases) - TimeSpan.FromHours(end == LeaseEnd.Earlier ? 1 : 2),
    };

    /// <summary>An operation as it was once handed out; a stranger's if there was none.</summary>
    /// <param name="payout">Of which payout.</param>
    /// <param name="age">How many times another was handed out since.</param>
    public Operation OperationOf(int payout, int age)
    {
        var ofPayout = _handedOut.Where(o => o.PayoutId == PayoutIds[payout]).ToList();
        return ofPayout.Count == 0
            ? new Operation(PayoutIds[payout], new ConfirmIntent(), 1, "stranger")
            : ofPayout[Math.Max(0, ofPayout.Count - 1 - age)];
    }

    public Payout? Find(PayoutId id) => _model.FindAsync(id, default).Result;

    /// <summary>What an operation ends in.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="skew">By how much the change is not the next one.</param>
    /// <param name="minute">When; hosts have clocks of their own, so later changes may have earlier times.</param>
    public PayoutEvent ChangeOf(Operation operation, int skew, int minute)
    {
        var at = Start.AddMinutes(minute);
        if (operation.Intent is CreateIntent create)
            return new PayoutCreated(create.Payout.HeldBy(operation.Attempt), at);
        var before = Find(operation.PayoutId) ?? Testing.Payouts.Unpaid(operation.PayoutId.Value);
        return new PayoutStatusChanged(
            Payout.Restore(
                before.Id,
                // 0 would be a creation.
                Math.Max(1, before.SequenceId + 1 + skew),
                before.CreatedAt,
                before.PartyId,
                before.ShopId,
                before.PayoutToolId,
                before.CashFlow,
                before.Amount,
                before.Fee,
                operation.Intent is CancelIntent cancel ? PayoutStatus.Cancelled(cancel.Details) : PayoutStatus.Confirmed,
                before.HoldAttempt),
            at);
    }

    /// <summary>An event that the store has shown; null for place 0, and while there is none.</summary>
    public EventKey? EventOf(int place)
    {
        var shown = hosts[0].Events.OrderBy(e => e.Value.Id).Select(e => e.Key).ToList();
        return place == 0 || shown.Count == 0 ? null : shown[(place - 1) % shown.Count];
    }

    private static async Task<object?> AnswerAsync(Call call, Stores store)
    {
        try
        {
            return await call.MakeAsync(store);
        }
        catch (NotDoneException)
        {
            return Answers.NotDone;
        }
        catch (Exception e)
        {
            // No answer of the model's.
            return $"{e.GetType().Name}: {e.Message} {e.InnerException?.Message}";
        }
    }

    /// <summary>All that the ports show.</summary>
    private async Task<IReadOnlyList<(string What, object? Value)>> ReadStateAsync(Stores store)
    {
        var state = new List<(string, object?)>();
        foreach (var id in PayoutIds)
        {
            var history = await store.History.ReadAsync(id, default);
            state.Add(($"payout {id}", history.Payout));
            state.Add(($"digest of {id}", await store.Payouts.FindRequestDigestAsync(id, default)));
            state.Add(($"spent attempts of {id}", history.SpentAttempts));
            state.Add(($"events of {id}", Answers.List(
                history.Events.Select(e =>
                    $"#{e.SequenceId} at {e.CreatedAt:mm:ss.ffffff}{(e.IsAcknowledged ? ", acknowledged" : "")}"),
                ordered: true)));
            // Of the last one only: unlike those of the domain's rules, these payouts may come back to a status.
            state.Add(($"last event of {id} shows it as stored", history.Events is [.., var last] ? last.ShowsPayoutAsStored : null));
            // Where something is under way this shows it, and changes nothing.
            state.Add(($"operation on {id}", history.IsUnderWay
                ? await store.Operations.IntendAsync(id, new ConfirmIntent(), -1, "reader", null, TimeSpan.Zero, default)
                : null));
        }

        foreach (var ignorePauses in (bool[])[false, true])
            state.Add(($"due, pauses {(ignorePauses ? "ignored" : "kept")}", Answers.List(await store.ListDueAsync(ignorePauses, All), isOrdered)));
        var outbox = await store.Outbox.ReadAllAsync();
        state.Add(("outbox", Answers.List(outbox.Select(e => new EventKey(e.PayoutId, e.SequenceId)), isOrdered)));
        var changes = new List<PayoutChange>();
        while (await ListChangesAsync(changes.LastOrDefault()) is { Count: > 0 } page)
            changes.AddRange(page);
        state.Add(("changes", Answers.List(changes.Select(c => new EventKey(c.PayoutId, c.SequenceId)), isOrdered)));
        state.Add(("payouts without events", Answers.List((await store.History.ListWithoutEventsAsync("", All, default)).WithoutEvents, ordered: true)));
        foreach (var scope in Enum.GetValues<AuditScope>())
        {
            var audit = await store.Progress.ReadAsync(scope, default);
            state.Add(($"audit of {scope}", $"{audit.Position} {audit.Position.EventId}, {(audit.IsFree ? "free" : "leased")}"));
        }

        state.Add(("findings", Answers.List(
            (await store.Findings.ListAsync(DateTimeOffset.MaxValue, "", All, default)).Select(f => f.Finding), ordered: true)));
        state.Add(("number of findings", await store.Findings.CountAsync(default)));
        return state;

        async Task<IReadOnlyList<PayoutChange>> ListChangesAsync(PayoutChange? last) => (await store.History.ListChangesAsync(
            last is null ? AuditPosition.Beginning : new AuditPosition(last.StoredAt, last.EventId), TimeSpan.FromHours(-1), 2, default)).Changes;
    }

    /// <summary>Null if some order of the calls explains answers and state; the model then goes on from it.</summary>
    private async Task<string?> FindDisagreementAsync(
        IReadOnlyList<Call> calls, IReadOnlyList<object?> answers, IReadOnlyList<(string What, object? Value)>? state)
    {
        var disagreements = new List<string>();
        // Alone, nothing stands in a call's way.
        var done = Enumerable.Range(0, calls.Count).Where(n => calls.Count == 1 || !Equals(answers[n], Answers.NotDone)).ToList();
        foreach (var order in Permute(done))
        {
            var (model, store) = await ReplayAsync();
            var disagreement = await CompareAnswersAsync(order, store);
            if (disagreement is null && state is not null)
            {
                var (should, difference) = (await ReadStateAsync(store), new List<string>());
                for (var i = 0; i < state.Count; i++)
                {
                    if (!Equals(state[i].Value, should[i].Value))
                        difference.Add(Differ(state[i].What, state[i].Value, should[i].Value));
                }

                disagreement = difference.Count == 0 ? null : string.Join("; ", difference);
            }

            if (disagreement is null)
            {
                _history.AddRange(order.Select(n => calls[n]));
                _model = model;
                return null;
            }

            disagreements.Add(
                order.Count < 2 ? disagreement : $"in order {string.Join(", ", order.Select(n => n + 1))}: {disagreement}");
        }

        return string.Join('\n', disagreements);

        async Task<string?> CompareAnswersAsync(IReadOnlyList<int> order, Stores store)
        {
            for (var place = 0; place < order.Count; place++)
            {
                var n = order[place];
                var should = await calls[n].MakeAsync(store);
                // What the call met was gone when it looked at it.
                var isVacated = answers[n] is Intended.Vacated && should is Intended.Occupied && order.Skip(place + 1).Any(later =>
                    calls[later].EndsOperation && calls[later].PayoutId == calls[n].PayoutId && Equals(answers[later], true));
                if (!isVacated && !Equals(answers[n], should))
                    return Differ(calls[n].Text, answers[n], should);
            }

            return null;
        }
    }

    private async Task<(InMemoryStore Model, Stores Store)> ReplayAsync()
    {
        // It moves only before a lease ends now: leases then end one after another, and are looked at in the very moment they end.
        var clock = new FakeTimeProvider(Start);
        var model = new InMemoryStore(clock) { AuditedUpTo = AuditPosition.Beginning };
        var store = new Stores(model, model, model, model, model, model, model)
        {
            LetClockMoveAsync = () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(1));
                return Task.CompletedTask;
            },
        };
        foreach (var call in _history)
            await call.MakeAsync(store);
        return (model, store);
    }

    private static string Differ(string what, object? answer, object? should) =>
        Answers.Describe(answer) is var text && Answers.Describe(should) is var expected && text != expected
            ? $"{what}: store {text}, model {expected}"
            : $"{what}: store {answer}, model {should}";

    private static IEnumerable<IReadOnlyList<int>> Permute(IReadOnlyList<int> items) =>
        items.Count == 0
            ? [[]]
            : items.SelectMany(
                first => Permute([.. items.Where(item => item != first)]), (first, rest) => (IReadOnlyList<int>)[first, .. rest]);
}
