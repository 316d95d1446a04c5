using System.Text;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Testing.InMemory;

/// <summary>The database's rules, in memory: what is asserted of it here is asserted of the real ones by their own tests.</summary>
public sealed class InMemoryStore(TimeProvider clock)
    : IPayoutStore, IOperationStore, IEventOutbox, IPayoutHistory, IRetention, IAuditProgress, IAuditFindings
{
    private readonly Dictionary<PayoutId, Payout> _payouts = [];
    private readonly Dictionary<PayoutId, Entry> _operations = [];
    private readonly List<(byte[] Payload, long Id, DateTimeOffset StoredAt, PayoutEvent Change)> _events = [];
    private readonly List<OutboxEvent> _outbox = [];
    private readonly Dictionary<PayoutId, string> _digests = [];
    private readonly List<Actor?> _actors = [];
    private readonly Dictionary<int, (string? Owner, DateTimeOffset Until)> _lanes = [];
    private readonly Dictionary<string, DateTimeOffset> _hosts = [];
    private readonly Dictionary<AuditScope, (AuditPosition Position, string? Owner, DateTimeOffset Until)> _audits = new()
    {
        [AuditScope.Changes] = (AuditPosition.At(clock.GetUtcNow()), null, default),
        [AuditScope.All] = (AuditPosition.Beginning, null, default),
    };

    private readonly Dictionary<PayoutId, AuditFinding> _findings = [];
    private long _lastEventId;
    private long _lastOutboxId;

    /// <summary>Fails the next call of a method, before it has an effect.</summary>
    public Queue<(string Method, Exception Fault)> Faults { get; } = [];

    /// <summary>Runs before each call, with its name.</summary>
    public Action<string> BeforeCall { get; set; } = _ => { };

    public IReadOnlyList<PayoutEvent> Events => [.. _events.Select(e => e.Change)];

    /// <summary>Who asked for the change of each event.</summary>
    public IReadOnlyList<Actor?> Actors => _actors;

    /// <summary>The events that the broker has not acknowledged, in order.</summary>
    public IReadOnlyList<OutboxEvent> Outbox => [.. _outbox];

    /// <summary>The attempts noted as spent; 0 where nothing is noted; null while something is under way.</summary>
    public int? SpentAttempts(PayoutId id) =>
        !_operations.TryGetValue(id, out var entry) ? 0 : entry.Operation is null ? entry.Attempt : null;

    /// <summary>How far the audit of changes has come; at first up to when the store was made.</summary>
    public AuditPosition AuditedUpTo
    {
        get => _audits[AuditScope.Changes].Position;
        set => _audits[AuditScope.Changes] = _audits[AuditScope.Changes] with { Position = value };
    }

    /// <summary>What the audit has found.</summary>
    public IReadOnlyCollection<AuditFinding> Findings => _findings.Values;

    public IReadOnlyCollection<Payout> Payouts => _payouts.Values;

    /// <summary>The rows of operations under way.</summary>
    public IEnumerable<(Operation Operation, DateTimeOffset LeaseUntil, DateTimeOffset? NextTryAt)> Operations =>
        _operations.Values.Where(entry => entry.Operation is not null).Select(entry => (entry.Operation!, entry.Until, entry.NextTryAt));

    /// <summary>Stores an event past any operation.</summary>
    public void PutEvent(PayoutEvent change)
    {
        var payload = Encoding.UTF8.GetBytes($"{change.Payout.Status} {change.SequenceId} {change.Payout.Id} {change.CreatedAt.UtcTicks}");
        _events.Add((payload, ++_lastEventId, clock.GetUtcNow(), change));
        AddToOutbox(payload, change);
    }

    public void Put(Payout payout) => _payouts[payout.Id] = payout;

    public Task<Payout?> FindAsync(PayoutId id, CancellationToken cancellationToken)
    {
        Enter(nameof(FindAsync), cancellationToken);
        return Task.FromResult(_payouts.GetValueOrDefault(id));
    }

    public Task<string?> FindRequestDigestAsync(PayoutId id, CancellationToken cancellationToken)
    {
        Enter(nameof(FindRequestDigestAsync), cancellationToken);
        return Task.FromResult(_digests.GetValueOrDefault(id));
    }

    public Task<Intended> IntendAsync(
        PayoutId payoutId,
        OperationIntent intent,
        int? expectedSequenceId,
        string owner,
        Actor? actor,
        TimeSpan lease,
        CancellationToken cancellationToken)
    {
        Enter(nameof(IntendAsync), cancellationToken);
        var entry = _operations.GetValueOrDefault(payoutId);
        if (entry is { Operation: { } occupant })
            return Task.FromResult<Intended>(new Intended.Occupied(occupant, entry.Until <= clock.GetUtcNow()));
        if (_payouts.GetValueOrDefault(payoutId)?.SequenceId != expectedSequenceId)
            return Task.FromResult<Intended>(new Intended.PayoutMoved());
        var attempt = intent is CreateIntent or CancelIntent ? (entry?.Attempt ?? 0) + 1 : 1;
        var operation = new Operation(payoutId, intent, attempt, owner, actor) { PlanWasRefused = entry?.NextWasRefused ?? false };
        // Only whoever writes it down is told of the refusal.
        _operations[payoutId] = new Entry(operation with { PlanWasRefused = false }, attempt, clock.GetUtcNow() + lease)
        {
            StartedAt = clock.GetUtcNow(),
        };
        return Task.FromResult<Intended>(new Intended.Started(operation));
    }

    public Task<Operation?> TakeOverAsync(
        PayoutId payoutId, string owner, TimeSpan lease, bool ignorePause, CancellationToken cancellationToken)
    {
        Enter(nameof(TakeOverAsync), cancellationToken);
        if (_operations.GetValueOrDefault(payoutId) is not { Operation: { } operation } entry
            || entry.Until > clock.GetUtcNow()
            || (!ignorePause && entry.NextTryAt > clock.GetUtcNow()))
        {
            return Task.FromResult<Operation?>(null);
        }

        operation = operation with { Owner = owner };
        _operations[payoutId] = entry with { Operation = operation, Until = clock.GetUtcNow() + lease };
        return Task.FromResult<Operation?>(operation);
    }

    public Task<bool> RenewAsync(Operation operation, TimeSpan lease, CancellationToken cancellationToken)
    {
        Enter(nameof(RenewAsync), cancellationToken);
        return Task.FromResult(Change(operation, anyAttempt: true, entry => entry with { Until = clock.GetUtcNow() + lease }));
    }

    public Task<bool> ReleaseAsync(Operation operation, FailedTry? failure, CancellationToken cancellationToken)
    {
        Enter(nameof(ReleaseAsync), cancellationToken);
        return Task.FromResult(Change(operation, anyAttempt: true, entry => Failed(entry, failure) with { Until = clock.GetUtcNow() }));
    }

    public Task<Operation?> AdvanceAsync(Operation operation, OperationIntent intent, CancellationToken cancellationToken)
    {
        Enter(nameof(AdvanceAsync), cancellationToken);
        var next = operation with { Intent = intent, Attempt = operation.Attempt + 1, PlanWasRefused = false };
        return Task.FromResult(
            Change(operation, anyAttempt: false, entry => entry with
            {
                Operation = next with { FailedTries = entry.Operation!.FailedTries },
                Attempt = next.Attempt,
            }) ? next : null);
    }

    public Task<bool> ApplyAsync(Operation operation, PayoutEvent change, CancellationToken cancellationToken)
    {
        Enter(nameof(ApplyAsync), cancellationToken);
        var before = _payouts.GetValueOrDefault(operation.PayoutId)?.SequenceId ?? -1;
        if (change.SequenceId != before + 1 || !Change(operation, anyAttempt: false, _ => null))
            return Task.FromResult(false);
        if (operation.Intent is CreateIntent create)
            _digests[operation.PayoutId] = create.Request.Digest();
        _actors.Add(operation.Actor);
        _payouts[operation.PayoutId] = change.Payout;
        PutEvent(change);
        return Task.FromResult(true);
    }

    public Task<bool> AbandonAsync(Operation operation, AttemptNote note, CancellationToken cancellationToken)
    {
        Enter(nameof(AbandonAsync), cancellationToken);
        return Task.FromResult(Change(
            operation,
            anyAttempt: false,
            entry => note == AttemptNote.None
                ? null
                : new Entry(null, note.SpentAttempts, DateTimeOffset.MaxValue)
                {
                    NextWasRefused = note.NextWasRefused,
                    StartedAt = entry.StartedAt,
                }));
    }

    public Task<DuePage> ListDueAsync(DuePosition? after, bool ignorePauses, int limit, CancellationToken cancellationToken)
    {
        Enter(nameof(ListDueAsync), cancellationToken);
        var now = clock.GetUtcNow();
        return Task.FromResult(new DuePage(
            [
                .. _operations
                    .Where(o => o.Value.Operation is not null && o.Value.Until <= now && (ignorePauses || DueAt(o.Value) <= now))
                    .Select(o => new DueOperation(new DuePosition(DueAt(o.Value), o.Key.Value), o.Value.Operation!.FailedTries))
                    .Where(due => after is not { } from || Compare(due.Position, from) > 0)
                    .Order(Comparer<DueOperation>.Create((one, other) => Compare(one.Position, other.Position)))
                    .Take(limit),
            ],
            now));

        static DateTimeOffset DueAt(Entry entry) => entry.NextTryAt > entry.Until ? entry.NextTryAt.Value : entry.Until;

        static int Compare(DuePosition one, DuePosition other) =>
            one.At != other.At ? one.At.CompareTo(other.At) : string.CompareOrdinal(one.PayoutId, other.PayoutId);
    }

    public Task<LaneBook> ReadLanesAsync(CancellationToken cancellationToken)
    {
        Enter(nameof(ReadLanesAsync), cancellationToken);
        return Task.FromResult(new LaneBook(
            clock.GetUtcNow(),
            [.. _hosts.Where(host => host.Value > clock.GetUtcNow()).Select(host => host.Key)],
            [.. Enumerable.Range(0, EventLane.Count).Select(lane => new LaneLease(lane, _lanes.GetValueOrDefault(lane).Owner, IsFree(lane)))]));
    }

    public Task<IReadOnlyList<int>> LeaseLanesAsync(
        string owner, IReadOnlyCollection<int> lanes, TimeSpan lease, CancellationToken cancellationToken)
    {
        Enter(nameof(LeaseLanesAsync), cancellationToken);
        _hosts[owner] = clock.GetUtcNow() + lease;
        List<int> leased = [.. lanes.Where(lane => IsFree(lane) || _lanes[lane].Owner == owner)];
        foreach (var lane in leased)
            _lanes[lane] = (owner, clock.GetUtcNow() + lease);
        return Task.FromResult<IReadOnlyList<int>>(leased);
    }

    public Task ReleaseLanesAsync(string owner, IReadOnlyCollection<int> lanes, CancellationToken cancellationToken)
    {
        Enter(nameof(ReleaseLanesAsync), cancellationToken);
        foreach (var lane in lanes.Where(lane => _lanes.GetValueOrDefault(lane).Owner == owner))
            _lanes.Remove(lane);
        return Task.CompletedTask;
    }

    public Task LeaveAsync(string owner, CancellationToken cancellationToken)
    {
        Enter(nameof(LeaveAsync), cancellationToken);
        _hosts.Remove(owner);
        return ReleaseLanesAsync(owner, [.. _lanes.Keys], cancellationToken);
    }

    public Task<OutboxPage> ReadAsync(OutboxQuery query, CancellationToken cancellationToken)
    {
        Enter(nameof(ReadAsync), cancellationToken);
        var firsts = _outbox
            .GroupBy(e => e.PayoutId)
            .Select(ofPayout => ofPayout.MinBy(e => e.SequenceId)!)
            .OrderBy(e => (e.StoredAt, e.Id))
            .Select(e => e with { Age = clock.GetUtcNow() - e.StoredAt })
            .ToList();
        return Task.FromResult(new OutboxPage(
            [
                .. firsts
                    .Where(e => query.Lanes.Contains(e.Lane) && (e.StoredAt, e.Id).CompareTo((query.After.StoredAt, query.After.Id)) > 0)
                    .Take(query.Limit),
            ],
            [.. firsts.Where(e => query.Payouts.Contains(e.PayoutId))]));
    }

    public Task AcknowledgeAsync(IReadOnlyCollection<OutboxEvent> events, CancellationToken cancellationToken)
    {
        Enter(nameof(AcknowledgeAsync), cancellationToken);
        _outbox.RemoveAll(e => events.Any(acknowledged => (acknowledged.Id, acknowledged.PayoutId) == (e.Id, e.PayoutId)));
        return Task.CompletedTask;
    }

    public Task<IReadOnlyDictionary<PayoutId, PayoutHistory>> ReadAsync(
        IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken)
    {
        Enter(nameof(ReadAsync), cancellationToken);
        return Task.FromResult<IReadOnlyDictionary<PayoutId, PayoutHistory>>(payoutIds.ToDictionary(id => id, HistoryOf));
    }

    public Task<ChangePage> ListChangesAsync(AuditPosition after, TimeSpan margin, int limit, CancellationToken cancellationToken)
    {
        Enter(nameof(ListChangesAsync), cancellationToken);
        var horizon = clock.GetUtcNow() - margin;
        return Task.FromResult(new ChangePage(
            [
                .. _events
                    .Select(e => new PayoutChange(e.Change.Payout.Id, e.Change.SequenceId, e.StoredAt, e.Id))
                    .Where(c => (c.StoredAt, c.EventId).CompareTo((after.StoredAt, after.EventId)) > 0 && c.StoredAt < horizon)
                    .OrderBy(c => c.StoredAt)
                    .ThenBy(c => c.EventId)
                    .Take(limit),
            ],
            horizon));
    }

    public Task<QuietPage> ListWithoutEventsAsync(string after, int limit, CancellationToken cancellationToken)
    {
        Enter(nameof(ListWithoutEventsAsync), cancellationToken);
        List<PayoutId> page =
        [
            .. _payouts.Keys
                .Where(id => string.CompareOrdinal(id.Value, after) > 0)
                .OrderBy(id => id.Value, StringComparer.Ordinal)
                .Take(limit),
        ];
        return Task.FromResult(new QuietPage(
            page.FindAll(id => !_events.Exists(e => e.Change.Payout.Id == id)), page.LastOrDefault()?.Value));
    }

    public Task<AuditState> ReadAsync(AuditScope scope, CancellationToken cancellationToken)
    {
        Enter("ReadAuditAsync", cancellationToken);
        return Task.FromResult(new AuditState(clock.GetUtcNow(), _audits[scope].Position, _audits[scope].Until <= clock.GetUtcNow()));
    }

    public Task<AuditPosition?> LeaseAsync(AuditScope scope, string owner, TimeSpan lease, CancellationToken cancellationToken)
    {
        Enter("LeaseAuditAsync", cancellationToken);
        var audit = _audits[scope];
        if (audit.Owner != owner && audit.Until > clock.GetUtcNow())
            return Task.FromResult<AuditPosition?>(null);
        _audits[scope] = (audit.Position, owner, clock.GetUtcNow() + lease);
        return Task.FromResult<AuditPosition?>(audit.Position);
    }

    public Task<bool> AdvanceAsync(
        AuditScope scope, string owner, AuditPosition from, AuditPosition upTo, CancellationToken cancellationToken)
    {
        Enter("AdvanceAuditAsync", cancellationToken);
        var audit = _audits[scope];
        if (audit.Owner != owner || audit.Position != from)
            return Task.FromResult(false);
        _audits[scope] = audit with { Position = upTo };
        return Task.FromResult(true);
    }

    public Task ReleaseAsync(AuditScope scope, string owner, CancellationToken cancellationToken)
    {
        Enter("ReleaseAuditAsync", cancellationToken);
        if (_audits[scope].Owner == owner)
            _audits[scope] = (_audits[scope].Position, null, default);
        return Task.CompletedTask;
    }

    public Task<AuditFindingCounts> CountAsync(CancellationToken cancellationToken)
    {
        Enter(nameof(CountAsync), cancellationToken);
        var disagreeing = _findings.Values.Count(f => f.Finding.Disagrees);
        return Task.FromResult(new AuditFindingCounts(disagreeing, _findings.Count - disagreeing));
    }

    public Task<IReadOnlyList<AuditFinding>> ListAsync(
        DateTimeOffset seenBefore, string after, int limit, CancellationToken cancellationToken)
    {
        Enter(nameof(ListAsync), cancellationToken);
        return Task.FromResult<IReadOnlyList<AuditFinding>>(
        [
            .. _findings.Values
                .Where(f => f.LastSeenAt < seenBefore && string.CompareOrdinal(f.Finding.PayoutId.Value, after) > 0)
                .OrderBy(f => f.Finding.PayoutId.Value, StringComparer.Ordinal)
                .Take(limit),
        ]);
    }

    public Task<bool> StoreAsync(NewAuditFinding finding, CancellationToken cancellationToken)
    {
        Enter(nameof(StoreAsync), cancellationToken);
        var before = _findings.GetValueOrDefault(finding.PayoutId);
        var since = before is { Finding.Since: var earlier } && earlier < finding.Since ? earlier : finding.Since;
        _findings[finding.PayoutId] = new AuditFinding(
            finding with { Since = since }, before?.FirstSeenAt ?? clock.GetUtcNow(), clock.GetUtcNow());
        return Task.FromResult(before?.Finding.Kind != finding.Kind);
    }

    public Task RemoveAsync(IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken)
    {
        Enter(nameof(RemoveAsync), cancellationToken);
        foreach (var id in payoutIds)
            _findings.Remove(id);
        return Task.CompletedTask;
    }

    public Task SendAgainAsync(PayoutId payoutId, int fromSequenceId, CancellationToken cancellationToken)
    {
        Enter(nameof(SendAgainAsync), cancellationToken);
        _outbox.RemoveAll(e => e.PayoutId == payoutId && e.SequenceId >= fromSequenceId);
        foreach (var (payload, _, _, change) in _events.Where(e => e.Change.Payout.Id == payoutId && e.Change.SequenceId >= fromSequenceId))
            AddToOutbox(payload, change);
        return Task.CompletedTask;
    }

    /// <summary>Whether notes that a plan was refused are too young to be deleted, whatever age is given.</summary>
    public bool KeepsRefusals { get; init; }

    /// <summary>All of it is one page.</summary>
    public Task<PrunedPage> PruneSpentAttemptsAsync(TimeSpan age, int mostAttempts, int limit, CancellationToken cancellationToken)
    {
        Enter(nameof(PruneSpentAttemptsAsync), cancellationToken);
        var pruned = _operations
            .Where(o => o.Value is { Operation: null } note && note.Attempt <= mostAttempts && note.StartedAt < clock.GetUtcNow() - age)
            .Where(o => !KeepsRefusals || !o.Value.NextWasRefused)
            .Select(o => o.Key)
            .Where(id => !_payouts.ContainsKey(id))
            .ToList();
        foreach (var id in pruned)
            _operations.Remove(id);
        return Task.FromResult(new PrunedPage(pruned.Count, IsLast: true));
    }

    /// <inheritdoc cref="PruneSpentAttemptsAsync"/>
    public Task<PrunedPage> PruneEventsAsync(TimeSpan age, int limit, CancellationToken cancellationToken)
    {
        Enter(nameof(PruneEventsAsync), cancellationToken);
        var pruned = _events.Where(e =>
            _payouts.GetValueOrDefault(e.Change.Payout.Id) is { Status.State: PayoutState.Confirmed or PayoutState.Cancelled } payout
            && _events.Any(first => first.Change.Payout.Id == payout.Id && first.Change.SequenceId == 0)
            && e.Change.SequenceId < payout.SequenceId - (payout is { Status.State: PayoutState.Cancelled, SequenceId: > 1 } ? 1 : 0)
            && _events.Any(latest => latest.Change.Payout.Id == payout.Id && latest.Change.SequenceId == payout.SequenceId
                && latest.Change.CreatedAt < clock.GetUtcNow() - age)
            && !_outbox.Any(o => o.PayoutId == payout.Id)).ToHashSet();
        _events.RemoveAll(pruned.Contains);
        return Task.FromResult(new PrunedPage(pruned.Count, IsLast: true));
    }

    /// <summary>
    /// Keeps everything as it is now, and returns what brings it back, as a fail-over to a standby that lacks the latest commits does.
    /// Event ids go on from where they are: PostgreSQL logs a sequence ahead of its use.
    /// </summary>
    public Action TakeBackup()
    {
        var (payouts, operations, events) = (_payouts.ToArray(), _operations.ToArray(), _events.ToArray());
        var (outbox, digests, actors) = (_outbox.ToArray(), _digests.ToArray(), _actors.ToArray());
        var (lanes, hosts) = (_lanes.ToArray(), _hosts.ToArray());
        var (audits, findings) = (_audits.ToArray(), _findings.ToArray());
        return () =>
        {
            Refill(_payouts, payouts);
            Refill(_operations, operations);
            Refill(_events, events);
            Refill(_outbox, outbox);
            Refill(_digests, digests);
            Refill(_actors, actors);
            Refill(_lanes, lanes);
            Refill(_hosts, hosts);
            Refill(_audits, audits);
            Refill(_findings, findings);
        };

        static void Refill<T>(ICollection<T> collection, T[] contents)
        {
            collection.Clear();
            foreach (var item in contents)
                collection.Add(item);
        }
    }

    /// <summary>The state that a payload shows.</summary>
    public static PayoutState StateOf(byte[] payload) => Enum.Parse<PayoutState>(Encoding.UTF8.GetString(payload).Split(' ')[0], ignoreCase: true);

    /// <summary>Lets what is in the outbox have been stored earlier, as what becomes visible only after a long transaction.</summary>
    public void SetBack(TimeSpan time)
    {
        for (var i = 0; i < _outbox.Count; i++)
            _outbox[i] = _outbox[i] with { StoredAt = _outbox[i].StoredAt - time };
    }

    /// <summary>Deletes a row, as nobody but people does.</summary>
    public void Delete(string payoutId) => _payouts.Remove(new PayoutId(payoutId));

    /// <summary>Loses an event, as no transaction does.</summary>
    public void LoseEvent(string payoutId, int sequenceId) =>
        _events.RemoveAll(e => e.Change.Payout.Id.Value == payoutId && e.Change.SequenceId == sequenceId);

    /// <summary>Lets a payout's event have been stored earlier, as what becomes visible only after a long transaction.</summary>
    public void SetBack(string payoutId, int sequenceId, TimeSpan time)
    {
        var place = _events.FindIndex(e => e.Change.Payout.Id.Value == payoutId && e.Change.SequenceId == sequenceId);
        _events[place] = _events[place] with { StoredAt = _events[place].StoredAt - time };
    }

    private PayoutHistory HistoryOf(PayoutId payoutId)
    {
        var payout = _payouts.GetValueOrDefault(payoutId);
        var entry = _operations.GetValueOrDefault(payoutId);
        return new PayoutHistory(
            payout,
            entry is { Operation: not null },
            entry is { Operation: null } ? entry.Attempt : 0,
            [
                .. _events.Where(e => e.Change.Payout.Id == payoutId).Select(e => new StoredEvent(
                    e.Change.SequenceId,
                    e.Change.CreatedAt,
                    e.StoredAt,
                    PayloadDigest.Of(e.Payload),
                    !_outbox.Any(o => o.PayoutId == payoutId && o.SequenceId == e.Change.SequenceId),
                    payout is not null && Snapshot(e.Change.Payout) == Snapshot(payout),
                    e.Change.Payout.Status.State)),
            ]);
    }

    private bool IsFree(int lane) => !_lanes.TryGetValue(lane, out var lease) || lease.Owner is null || lease.Until <= clock.GetUtcNow();

    private void AddToOutbox(byte[] payload, PayoutEvent change) => _outbox.Add(
        new OutboxEvent(++_lastOutboxId, change.Payout.Id, change.SequenceId, payload)
        {
            Lane = EventLane.Of(change.Payout.Id),
            StoredAt = clock.GetUtcNow(),
        });

    private Entry Failed(Entry entry, FailedTry? failure) => failure?.Pause is not { } pause ? entry : entry with
    {
        Operation = entry.Operation! with { FailedTries = entry.Operation.FailedTries + 1 },
        NextTryAt = clock.GetUtcNow() + pause,
    };

    private bool Change(Operation operation, bool anyAttempt, Func<Entry, Entry?> change)
    {
        if (_operations.GetValueOrDefault(operation.PayoutId) is not { Operation: { } stored } entry
            || stored.Owner != operation.Owner
            || (!anyAttempt && stored.Attempt != operation.Attempt))
        {
            return false;
        }

        if (change(entry) is { } changed)
            _operations[operation.PayoutId] = changed;
        else
            _operations.Remove(operation.PayoutId);
        return true;
    }

    /// <summary>What an event tells of a payout: neither its sequence id nor its attempt.</summary>
    private static Payout Snapshot(Payout p) => Payout.Restore(
        p.Id, 0, p.CreatedAt, p.PartyId, p.ShopId, p.PayoutToolId, p.CashFlow, p.Amount, p.Fee, p.Status);

    private void Enter(string method, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            throw new NotDoneException("The caller's time is up.");
        BeforeCall(method);
        if (Faults.TryPeek(out var next) && next.Method == method)
            throw Faults.Dequeue().Fault;
    }

    private sealed record Entry(Operation? Operation, int Attempt, DateTimeOffset Until)
    {
        public DateTimeOffset? NextTryAt { get; init; }

        public bool NextWasRefused { get; init; }

        public DateTimeOffset StartedAt { get; init; }
    }
}
