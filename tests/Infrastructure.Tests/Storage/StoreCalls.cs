using System.Collections.Concurrent;
using CsCheck;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>A call of a random script. It names what it needs of earlier answers by position, so that it fits any script.</summary>
internal abstract record Step
{
    /// <summary>The call itself, by what was answered so far.</summary>
    public abstract Call Resolve(Script script);

    public sealed record Intend(int Payout, ChangeKind Kind, int Skew, LeaseEnd Lease, Actor? Actor, int Variant) : Step
    {
        public override Call Resolve(Script script)
        {
            var id = Script.PayoutIds[Payout];
            var payout = script.Find(id);
            // Without skew it is one that can start.
            var kind = Skew != 0 || (Kind == ChangeKind.Create) == payout is null ? Kind
                : payout is null ? ChangeKind.Create
                : ChangeKind.Cancel;
            var intent = Script.IntentOf(kind, id, Variant);
            int? expected = kind == ChangeKind.Create ? null : (payout?.SequenceId ?? 0) + Skew;
            var (owner, lease) = (script.NewOwner(), script.LeaseOf(Lease));
            var text = $"intend {id} {Answers.Describe(intent)}, expects {expected?.ToString() ?? "none"}, owner {owner}";
            return new Call($"{text}, actor {Actor?.Name ?? "none"}, lease {lease}", id)
            {
                EndsLeaseNow = Lease == LeaseEnd.Now,
                RunAsync = async store => await store.Operations.IntendAsync(id, intent, expected, owner, Actor, lease, default),
            };
        }
    }

    public sealed record TakeOver(int Payout, LeaseEnd Lease, bool IgnorePause) : Step
    {
        public override Call Resolve(Script script)
        {
            var (id, owner, lease) = (Script.PayoutIds[Payout], script.NewOwner(), script.LeaseOf(Lease));
            return new Call($"take over {id}, owner {owner}, lease {lease}{(IgnorePause ? "" : ", unless it pauses")}", id)
            {
                EndsLeaseNow = Lease == LeaseEnd.Now,
                // Another call at the same time may hold the row, which is not waited for.
                RunAsync = async store =>
                    (object?)await store.Operations.TakeOverAsync(id, owner, lease, IgnorePause, default) ?? Answers.NotDone,
            };
        }
    }

    public sealed record Renew(int Payout, int Age, LeaseEnd Lease) : Step
    {
        public override Call Resolve(Script script)
        {
            var (operation, lease) = (script.OperationOf(Payout, Age), script.LeaseOf(Lease));
            return new Call($"renew {Answers.Describe(operation)}, lease {lease}", operation.PayoutId)
            {
                EndsLeaseNow = Lease == LeaseEnd.Now,
                RunAsync = async store => await store.Operations.RenewAsync(operation, lease, default),
            };
        }
    }

    public sealed record Release(int Payout, int Age, FailedTry? Failure) : Step
    {
        public override Call Resolve(Script script)
        {
            var operation = script.OperationOf(Payout, Age);
            return new Call($"release {Answers.Describe(operation)}, {Failure?.ToString() ?? "no failure"}", operation.PayoutId)
            {
                EndsLeaseNow = true,
                RunAsync = async store => await store.Operations.ReleaseAsync(operation, Failure, default),
            };
        }
    }

    public sealed record Advance(int Payout, int Age, int Variant) : Step
    {
        public override Call Resolve(Script script)
        {
            var operation = script.OperationOf(Payout, Age);
            var intent = operation.Intent is CreateIntent
                ? Script.IntentOf(ChangeKind.Create, operation.PayoutId, Variant)
                : operation.Intent;
            return new Call($"advance {Answers.Describe(operation)} to {Answers.Describe(intent)}", operation.PayoutId)
            {
                RunAsync = async store => await store.Operations.AdvanceAsync(operation, intent, default),
            };
        }
    }

    public sealed record Apply(int Payout, int Age, int Skew, int Minute) : Step
    {
        public override Call Resolve(Script script)
        {
            var operation = script.OperationOf(Payout, Age);
            var change = script.ChangeOf(operation, Skew, Minute);
            var text = $"apply {Answers.Describe(operation)} with {Answers.Describe(change.Payout)} at {change.CreatedAt:mm}";
            return new Call(text, operation.PayoutId)
            {
                EndsOperation = true,
                RunAsync = async store => await store.Operations.ApplyAsync(operation, change, default),
            };
        }
    }

    public sealed record Abandon(int Payout, int Age, AttemptNote Note) : Step
    {
        public override Call Resolve(Script script)
        {
            var operation = script.OperationOf(Payout, Age);
            return new Call($"abandon {Answers.Describe(operation)}, {Note}", operation.PayoutId)
            {
                EndsOperation = true,
                RunAsync = async store => await store.Operations.AbandonAsync(operation, Note, default),
            };
        }
    }

    public sealed record Find(int Payout) : Step
    {
        public override Call Resolve(Script script)
        {
            var id = Script.PayoutIds[Payout];
            return new Call($"find {id}", id) { RunAsync = async store => await store.Payouts.FindAsync(id, default) };
        }
    }

    public sealed record FindRequestDigest(int Payout) : Step
    {
        public override Call Resolve(Script script)
        {
            var id = Script.PayoutIds[Payout];
            return new Call($"find request digest of {id}", id)
            {
                RunAsync = async store => await store.Payouts.FindRequestDigestAsync(id, default),
            };
        }
    }

    public sealed record ListDue(int Limit, bool IgnorePauses) : Step
    {
        public override Call Resolve(Script script) => new($"list {Limit} due{(IgnorePauses ? " or pausing" : "")}")
        {
            RunAsync = async store => Answers.List(await store.ListDueAsync(IgnorePauses, Limit), script.IsOrdered),
        };
    }

    public sealed record ReadOutbox(int After, int Limit, int[] Lanes, int[] Payouts) : Step
    {
        public override Call Resolve(Script script)
        {
            var after = script.EventOf(After);
            var payouts = Payouts.Select(payout => Script.PayoutIds[payout]).Distinct().ToList();
            var text = $"read {Limit} after {after?.ToString() ?? "none"} of lanes [{string.Join(", ", Lanes)}] and of [{string.Join(", ", payouts)}]";
            return new Call(text)
            {
                RunAsync = async store =>
                {
                    var place = after is { } key ? store.Events[key] : null;
                    var page = await store.Outbox.ReadAsync(
                        new OutboxQuery(
                            Lanes, place is null ? OutboxPosition.Beginning : new(place.StoredAt, place.Id), Limit, payouts),
                        default);
                    foreach (var e in page.OfLanes.Concat(page.OfPayouts))
                        store.Events[new EventKey(e.PayoutId, e.SequenceId)] = e;
                    return Answers.List(
                        page.OfLanes.Select(e => $"{e.PayoutId} #{e.SequenceId} in lane {e.Lane}")
                            .Concat(page.OfPayouts.Select(e => $"of the payout {e.PayoutId} #{e.SequenceId}").Order()),
                        script.IsOrdered);
                },
            };
        }
    }

    public sealed record Acknowledge(int[] Events, bool AndAnother) : Step
    {
        public override Call Resolve(Script script)
        {
            var events = Events.Select(script.EventOf).OfType<EventKey>().Distinct().ToList();
            return new Call($"acknowledge [{string.Join(", ", events)}]{(AndAnother ? " and one that is not there" : "")}")
            {
                RunAsync = async store =>
                {
                    var acknowledged = events.ConvertAll(key => store.Events[key]);
                    if (AndAnother && store.Events.Values.FirstOrDefault() is { } known)
                        acknowledged.Add(known with { Id = long.MaxValue });
                    return await Answers.OfAsync(store.Outbox.AcknowledgeAsync(acknowledged, default));
                },
            };
        }
    }

    public sealed record SendAgain(int Payout, int From) : Step
    {
        public override Call Resolve(Script script)
        {
            var id = Script.PayoutIds[Payout];
            return new Call($"send {id} again from #{From}", id)
            {
                RunAsync = store => Answers.OfAsync(store.History.SendAgainAsync(id, From, default)),
            };
        }
    }

    public sealed record PruneSpentAttempts(int MostAttempts) : Step
    {
        public override Call Resolve(Script script) => new($"prune notes of up to {MostAttempts} spent attempts")
        {
            RunAsync = async store => await store.Retention.PruneSpentAttemptsAsync(Script.AnyAge, MostAttempts, Script.All, default),
        };
    }

    public sealed record PruneEvents : Step
    {
        public override Call Resolve(Script script) => new("prune events")
        {
            RunAsync = async store => await store.Retention.PruneEventsAsync(Script.AnyAge, Script.All, default),
        };
    }

    public sealed record LeaseLanes(string Owner, int[] Lanes, LeaseEnd Lease) : Step
    {
        public override Call Resolve(Script script)
        {
            var lease = script.LeaseOf(Lease);
            return new Call($"lease lanes [{string.Join(", ", Lanes)}] for {Owner}, lease {lease}")
            {
                RunAsync = async store => Answers.List((await store.Outbox.LeaseLanesAsync(Owner, Lanes, lease, default)).Order(), ordered: true),
            };
        }
    }

    public sealed record ReadLanes : Step
    {
        public override Call Resolve(Script script) => new("read lanes")
        {
            RunAsync = async store =>
            {
                var book = await store.Outbox.ReadLanesAsync(default);
                return Answers.List(book.Hosts.Order().Concat(book.Lanes.Select(lane => $"{lane}")), ordered: true);
            },
        };
    }

    public sealed record ReleaseLanes(string Owner, int[] Lanes) : Step
    {
        public override Call Resolve(Script script) => new($"release lanes [{string.Join(", ", Lanes)}] by {Owner}")
        {
            RunAsync = store => Answers.OfAsync(store.Outbox.ReleaseLanesAsync(Owner, Lanes, default)),
        };
    }

    public sealed record LeaseAudit(AuditScope Scope, string Owner, LeaseEnd Lease) : Step
    {
        public override Call Resolve(Script script)
        {
            var lease = script.LeaseOf(Lease);
            return new Call($"lease audit of {Scope} for {Owner}, lease {lease}")
            {
                EndsLeaseNow = Lease == LeaseEnd.Now,
                RunAsync = async store => await store.Progress.LeaseAsync(Scope, Owner, lease, default),
            };
        }
    }

    public sealed record AdvanceAudit(AuditScope Scope, string Owner, int From, int To) : Step
    {
        private static readonly AuditPosition[] Places =
        [
            AuditPosition.Beginning, new(DateTimeOffset.UnixEpoch, 1), new(DateTimeOffset.UnixEpoch.AddMilliseconds(100), 0),
            new(DateTimeOffset.UnixEpoch, 1, ""), new(DateTimeOffset.UnixEpoch, 1, "p1"),
        ];

        public override Call Resolve(Script script) => new($"advance audit of {Scope} by {Owner} from {Places[From]} to {Places[To]}")
        {
            RunAsync = async store => await store.Progress.AdvanceAsync(Scope, Owner, Places[From], Places[To], default),
        };
    }

    public sealed record ReleaseAudit(AuditScope Scope, string Owner) : Step
    {
        public override Call Resolve(Script script) => new($"release audit of {Scope} by {Owner}")
        {
            RunAsync = store => Answers.OfAsync(store.Progress.ReleaseAsync(Scope, Owner, default)),
        };
    }

    public sealed record StoreFinding(int Payout, string Kind, bool Disagrees, int Since) : Step
    {
        public override Call Resolve(Script script)
        {
            var finding = new NewAuditFinding(
                Script.PayoutIds[Payout], Kind, $"since {Since}", Disagrees, DateTimeOffset.UnixEpoch.AddMilliseconds(Since));
            return new Call($"store {finding}") { RunAsync = async store => await store.Findings.StoreAsync(finding, default) };
        }
    }

    public sealed record RemoveFindings(int[] Payouts) : Step
    {
        public override Call Resolve(Script script)
        {
            var payouts = Payouts.Select(payout => Script.PayoutIds[payout]).Distinct().ToList();
            return new Call($"remove findings on [{string.Join(", ", payouts)}]")
            {
                RunAsync = store => Answers.OfAsync(store.Findings.RemoveAsync(payouts, default)),
            };
        }
    }

    public sealed record Leave(string Owner) : Step
    {
        public override Call Resolve(Script script) => new($"{Owner} leaves")
        {
            RunAsync = store => Answers.OfAsync(store.Outbox.LeaveAsync(Owner, default)),
        };
    }
}

/// <summary>Random calls.</summary>
internal static class Steps
{
    private static readonly Gen<LeaseEnd> Lease =
        Gen.OneOf(LeaseEnd.Never, LeaseEnd.Never, LeaseEnd.Now, LeaseEnd.Earlier, LeaseEnd.LongAgo);

    // Those of the payouts, and others.
    private static readonly Gen<int[]> Lanes = Gen.OneOf(
        [.. Script.PayoutIds.Select(EventLane.Of), 0, 15]).Array[0, 4].Select(lanes => lanes.Distinct().ToArray());

    private static readonly Gen<Actor?> Actor = Gen.OneOf<Actor?>(null, new Actor("alice"), new Actor("bob", "because"));

    private static readonly Gen<FailedTry?> Failure = Gen.OneOf<FailedTry?>(
        null,
        new FailedTry("not counted", Pause: null),
        new FailedTry("over already", TimeSpan.FromHours(-1)),
        new FailedTry("for long", TimeSpan.FromHours(1)));

    // Mostly what is right at the time, often what was right before.
    private static readonly Gen<int> Age = Gen.Frequency((2, Gen.Const(0)), (1, Gen.Int[1, 3]));
    private static readonly Gen<int> Skew = Gen.Frequency((4, Gen.Const(0)), (1, Gen.Const(1)), (1, Gen.Const(-1)));

    /// <summary>Calls that come one after another.</summary>
    public static Gen<Step> InSequence { get; } = Gen.Frequency<Step>(
    [
        .. Unordered(payouts: 3, Lease),
        .. Alone(payouts: 3),
        (1, Gen.Select(Gen.Int[1, 2], Gen.Bool, (limit, ignorePauses) => (Step)new Step.ListDue(limit, ignorePauses))),
        (2, Gen.Select(Gen.Int[0, 5], Gen.Int[1, 3], Lanes, Gen.Int[0, 2].Array[0, 2], (after, limit, lanes, payouts) =>
            (Step)new Step.ReadOutbox(after, limit, lanes, payouts))),
        (1, Gen.Int[1, 5].Array[0, 2].Select(events => (Step)new Step.Acknowledge(events, AndAnother: true))),
    ]);

    /// <summary>
    /// Calls that may come at the same time. No lease ends at that very time: a statement that had to wait goes by the moment at which
    /// it began, so that it may take such a lease for one that still runs, whatever the order of the calls. Nor are lanes leased, since an
    /// answer may be that of an order of single lanes.
    /// </summary>
    public static Gen<Step> AtOnce { get; } = Gen.Frequency<Step>(Unordered(payouts: 2, Lease.Where(lease => lease != LeaseEnd.Now)));

    /// <summary>Calls that come between those.</summary>
    public static Gen<Step> BetweenCrowds { get; } = Gen.Frequency<Step>([.. Unordered(payouts: 2, Lease), .. Alone(payouts: 2)]);

    // Mostly the first, so that its history gets long.
    private static Gen<int> OneOf(int payouts) => Gen.Frequency((2, Gen.Const(0)), (1, Gen.Int[1, payouts - 1]));

    private static (int, IGen<Step>)[] Alone(int payouts) =>
    [
        (2, Gen.Select(OneOf(payouts), Age, Failure, (payout, age, failure) => (Step)new Step.Release(payout, age, failure))),
        (2, Gen.Select(Gen.OneOf("a", "b"), Lanes, Lease, (owner, lanes, end) => (Step)new Step.LeaseLanes(owner, lanes, end))),
        (1, Gen.Const((Step)new Step.ReadLanes())),
        (1, Gen.Select(Gen.OneOf("a", "b"), Lanes, (owner, lanes) => (Step)new Step.ReleaseLanes(owner, lanes))),
        (1, Gen.OneOf("a", "b").Select(owner => (Step)new Step.Leave(owner))),
        (1, Gen.Int[1, 3].Select(most => (Step)new Step.PruneSpentAttempts(most))),
        (1, Gen.Const((Step)new Step.PruneEvents())),
        (2, Gen.Select(Gen.Enum<AuditScope>(), Gen.OneOf("a", "b"), Lease, (scope, owner, end) => (Step)new Step.LeaseAudit(scope, owner, end))),
        (2, Gen.Select(Gen.Enum<AuditScope>(), Gen.OneOf("a", "b"), Gen.Int[0, 4], Gen.Int[0, 4], (scope, owner, from, to) =>
            (Step)new Step.AdvanceAudit(scope, owner, from, to))),
        (1, Gen.Select(Gen.Enum<AuditScope>(), Gen.OneOf("a", "b"), (scope, owner) => (Step)new Step.ReleaseAudit(scope, owner))),
        (2, Gen.Select(OneOf(payouts), Gen.OneOf("PlanMissing", "UnderWay"), Gen.Bool, Gen.Int[0, 200], (payout, kind, disagrees, since) =>
            (Step)new Step.StoreFinding(payout, kind, disagrees, since))),
        (1, Gen.Int[0, payouts - 1].Array[0, 2].Select(ids => (Step)new Step.RemoveFindings(ids))),
    ];

    // What can be compared whatever the order of leases and of events' ids: no pages.
    private static (int, IGen<Step>)[] Unordered(int payouts, Gen<LeaseEnd> lease)
    {
        var payout = OneOf(payouts);
        return
        [
            (8, Gen.Select(payout, Gen.Enum<ChangeKind>(), Skew, lease, Actor, Gen.Int[0, 3], (p, kind, skew, end, actor, variant) =>
                (Step)new Step.Intend(p, kind, skew, end, actor, variant))),
            (3, Gen.Select(payout, lease, Gen.Bool, (p, end, ignorePause) => (Step)new Step.TakeOver(p, end, ignorePause))),
            (2, Gen.Select(payout, Age, lease, (p, age, end) => (Step)new Step.Renew(p, age, end))),
            (2, Gen.Select(payout, Age, Gen.Int[0, 3], (p, age, variant) => (Step)new Step.Advance(p, age, variant))),
            (6, Gen.Select(payout, Age, Skew, Gen.Int[0, 9], (p, age, skew, minute) => (Step)new Step.Apply(p, age, skew, minute))),
            (3, Gen.Select(payout, Age, Gen.Int[0, 3], Gen.Bool, (p, age, spent, refused) =>
                (Step)new Step.Abandon(p, age, new AttemptNote(spent, refused)))),
            (1, payout.Select(p => (Step)new Step.Find(p))),
            (1, payout.Select(p => (Step)new Step.FindRequestDigest(p))),
            (1, Gen.Bool.Select(ignorePauses => (Step)new Step.ListDue(Script.All, ignorePauses))),
            (2, Gen.Const((Step)new Step.ReadOutbox(0, Script.All, [.. Enumerable.Range(0, EventLane.Count)], []))),
            (2, Gen.Int[1, 5].Array[0, 2].Select(events => (Step)new Step.Acknowledge(events, AndAnother: false))),
            (1, Gen.Select(payout, Gen.Int[0, 2], (p, from) => (Step)new Step.SendAgain(p, from))),
        ];
    }
}

/// <summary>When a lease ends that begins now: never as long as a test runs, or not later than now.</summary>
internal enum LeaseEnd
{
    Never,
    Now,
    Earlier,
    LongAgo,
}

internal enum ChangeKind
{
    Create,
    Confirm,
    Cancel,
}

/// <summary>An event by what it is: its id differs from store to store.</summary>
internal readonly record struct EventKey(PayoutId PayoutId, int SequenceId)
{
    public override string ToString() => $"{PayoutId} #{SequenceId}";
}

/// <summary>A call with all its arguments, to be made on any store.</summary>
internal sealed record Call(string Text, PayoutId? PayoutId = null)
{
    public required Func<Stores, Task<object?>> RunAsync { get; init; }

    /// <summary>Whether it lets a lease end at this moment.</summary>
    public bool EndsLeaseNow { get; init; }

    /// <summary>Whether the payout's operation is gone if the answer is true.</summary>
    public bool EndsOperation { get; init; }

    public async Task<object?> MakeAsync(Stores store)
    {
        if (EndsLeaseNow)
            await store.LetClockMoveAsync();
        return await RunAsync(store);
    }
}

/// <summary>A store behind all its ports.</summary>
internal sealed record Stores(
    IPayoutStore Payouts,
    IOperationStore Operations,
    IEventOutbox Outbox,
    IPayoutHistory History,
    IRetention Retention,
    IAuditProgress Progress,
    IAuditFindings Findings)
{
    /// <summary>What is due, read page by page, with its failed tries.</summary>
    public async Task<IReadOnlyList<string>> ListDueAsync(bool ignorePauses, int limit)
    {
        var due = new List<DueOperation>();
        while (due.Count < limit)
        {
            var page = await Operations.ListDueAsync(due.LastOrDefault()?.Position, ignorePauses, Math.Min(2, limit - due.Count), default);
            // One whose lease was renewed between two pages is on both, at another position.
            due.AddRange(page.Operations.Where(o => due.All(seen => seen.PayoutId != o.PayoutId || seen.Position == o.Position)));
            if (page.Operations.Count == 0)
                break;
        }

        return [.. due.Select(o => $"{o.PayoutId} after {o.FailedTries} failed tries")];
    }

    /// <summary>The ids under which it has shown events, on whatever host.</summary>
    public ConcurrentDictionary<EventKey, OutboxEvent> Events { get; init; } = [];

    /// <summary>Waits until its clock shows another time than before.</summary>
    public Func<Task> LetClockMoveAsync { get; init; } = () => Task.CompletedTask;
}

/// <summary>Answers in a form that can be compared by <see cref="object.Equals(object)"/> and read.</summary>
internal static class Answers
{
    public const string Done = "done";

    /// <summary>The call had no effect.</summary>
    public const string NotDone = "not done";

    public static async Task<object?> OfAsync(Task call)
    {
        await call;
        return Done;
    }

    public static string List<T>(IEnumerable<T> items, bool ordered)
    {
        var texts = items.Select(item => $"{item}");
        return $"[{string.Join(", ", ordered ? texts : texts.Order(StringComparer.Ordinal))}]";
    }

    public static string Describe(object? answer) => answer switch
    {
        null => "null",
        Intended.Started started => $"started {Describe(started.Operation)}{(started.Operation.PlanWasRefused ? ", refused before" : "")}",
        Intended.Occupied occupied => $"occupied by {Describe(occupied.Operation)}{(occupied.LeaseRanOut ? ", lease ran out" : "")}",
        Intended => answer.GetType().Name,
        Operation o => $"({o.PayoutId} {Describe(o.Intent)}, attempt {o.Attempt}, owner {o.Owner}, actor {o.Actor?.Name ?? "none"})",
        CreateIntent { Request: var asked } create =>
            $"create of {asked.Cash.Amount}, tool {asked.PayoutToolId?.Value ?? "none"}{(create.IdIsOurs ? ", our id" : "")}",
        CancelIntent cancel => $"cancel '{cancel.Details}'",
        ConfirmIntent => "confirm",
        Payout p => $"({p.Id} #{p.SequenceId} {p.Status} '{p.Status.Details}', hold {p.HoldAttempt})",
        _ => $"{answer}",
    };
}
