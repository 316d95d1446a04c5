using System.Globalization;
using System.Runtime.ExceptionServices;
using MediatR;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Ports;

namespace PayoutManager.Host.Audit;

/// <summary>
/// One run of the audit, and what is known so far, also where it does not come to its end. All is counted; what is listed is limited, so that
/// a run takes no more memory with more payouts.
/// </summary>
/// <param name="arguments">What is asked for.</param>
/// <param name="progress">Where it says how far it is.</param>
/// <param name="clock">Measures how fast it is.</param>
internal sealed class AuditRun(AuditArguments arguments, TextWriter progress, TimeProvider clock)
{
    /// <summary>How many payouts are listed at the most.</summary>
    public const int MostListed = 10_000;

    private static readonly TimeSpan Default = TimeSpan.FromHours(24);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    private readonly List<AuditedPayout> _listed = [];
    private readonly Dictionary<string, int> _places = [];
    private readonly long _began = clock.GetTimestamp();
    private long? _toldAt;

    public AuditArguments Arguments => arguments;

    /// <summary>How many payouts were looked at.</summary>
    public long Payouts { get; private set; }

    /// <summary>What there is to say of them, after the repairs.</summary>
    public AuditCounts Counts { get; private set; } = new();

    /// <summary>The first of those with something to say, as they were found.</summary>
    public IReadOnlyList<AuditedPayout> Listed => _listed;

    /// <summary>How many more there are.</summary>
    public long NotListed { get; private set; }

    /// <summary>Why the ledger gave no answer the first time it did not; null where it always did.</summary>
    public string? Failure { get; private set; }

    /// <summary>Up to where all is audited; null where that is not asked.</summary>
    public AuditPosition? UpTo { get; private set; }

    /// <summary>Whether every payout was looked at.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Whether every payout was compared.</summary>
    public bool IsFinished => IsComplete && Counts is { NotAnswered: 0, UnderWay: 0 };

    /// <exception cref="AuditUnfinishedException">A source cannot be read, or repairs get no answer.</exception>
    /// <exception cref="AuditUnderWayException">Somebody else audits all payouts.</exception>
    public async Task RunAsync(IMediator mediator, CancellationToken cancellationToken)
    {
        if (arguments.PayoutId is { } id)
        {
            await TakeAsync([await mediator.Send(new AuditPayoutQuery(id), cancellationToken)], mediator, cancellationToken);
            IsComplete = true;
        }
        else
        {
            IsComplete = arguments.IsAll
                ? (await mediator.Send(new AuditAllCommand(arguments.IsResumed, TakePageAsync), cancellationToken)).IsAtEnd
                : await AuditSinceAsync(arguments.Since ?? clock.GetUtcNow() - Default);
        }

        async Task<bool> AuditSinceAsync(DateTimeOffset since)
        {
            for (var position = AuditPosition.At(since); ;)
            {
                var stretch = await mediator.Send(new AuditStretchQuery(position) { OnPage = TakePageAsync }, cancellationToken);
                if (stretch.IsAtEnd || stretch.LedgerIsOutOfReach)
                    return stretch.IsAtEnd;
                position = stretch.UpTo;
            }
        }

        async Task TakePageAsync(AuditedPage page, CancellationToken token)
        {
            await TakeAsync(page.Audits, mediator, token);
            if (!page.LedgerIsOutOfReach)
                UpTo = page.UpTo;
            Tell(page.UpTo);
        }
    }

    /// <summary>Notes all that was found before anything of it is repaired: a repair may be where the run ends.</summary>
    private async Task TakeAsync(IReadOnlyList<PayoutAudit> audits, IMediator mediator, CancellationToken cancellationToken)
    {
        foreach (var audit in audits)
            Note(audit);
        if (arguments is not { RepairFor: { } actor, IsDryRun: false })
            return;
        foreach (var audit in audits.Where(audit => audit.Repairs.Any()))
        {
            var report = await mediator.Send(new RepairPayoutCommand(audit.PayoutId.Value, actor), cancellationToken);
            Note(audit, report);
            cancellationToken.ThrowIfCancellationRequested();
            if (report.BrokenOffBy is { } end)
                ExceptionDispatchInfo.Throw(end);
        }
    }

    private void Note(PayoutAudit audit)
    {
        Failure ??= audit.Failure;
        if (_places.TryGetValue(audit.PayoutId.Value, out var place))
        {
            // It has been looked at before because of an earlier change.
            Replace(place, _listed[place].LookedAtAgain(audit));
            return;
        }

        Payouts++;
        if (!audit.IsWorthTelling)
            return;
        var payout = new AuditedPayout(audit, Repair: null);
        Counts = Counts.With(payout);
        if (_listed.Count == MostListed)
        {
            NotListed++;
            return;
        }

        _places[audit.PayoutId.Value] = _listed.Count;
        _listed.Add(payout);
    }

    private void Note(PayoutAudit audit, RepairReport repair)
    {
        Failure ??= repair.After?.Failure;
        if (_places.TryGetValue(audit.PayoutId.Value, out var place))
            Replace(place, _listed[place].RepairedBy(repair));
        else
            Counts = Counts.Without(new AuditedPayout(audit, Repair: null)).With(new AuditedPayout(audit, repair));
    }

    private void Replace(int place, AuditedPayout payout)
    {
        Counts = Counts.Without(_listed[place]).With(payout);
        _listed[place] = payout;
    }

    private void Tell(AuditPosition upTo)
    {
        if (arguments.IsJson || (_toldAt is { } at && clock.GetElapsedTime(at) < ProgressInterval))
            return;
        _toldAt = clock.GetTimestamp();
        var rate = Payouts / Math.Max(clock.GetElapsedTime(_began).TotalSeconds, 0.001);
        progress.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{AuditText.Payouts(Payouts)} looked at, {rate:F0} a second, up to {upTo}, {AuditText.Disagree(Counts.Disagreeing)} …"));
    }
}

/// <summary>A payout that was looked at.</summary>
/// <param name="Found">What was found.</param>
/// <param name="Repair">What came of repairing it; null where that was not tried.</param>
internal sealed record AuditedPayout(PayoutAudit Found, RepairReport? Repair)
{
    /// <summary>The audit as it is after the repair, as far as that could be looked at.</summary>
    public PayoutAudit Latest => Repair?.After ?? Found;

    /// <summary>With a later look. What was repaired before stays.</summary>
    public AuditedPayout LookedAtAgain(PayoutAudit audit) =>
        Repair is null ? this with { Found = audit } : this with { Repair = Repair with { After = audit } };

    /// <summary>With a repair. What was repaired before stays.</summary>
    public AuditedPayout RepairedBy(RepairReport repair) =>
        this with { Repair = Repair is null ? repair : repair with { Before = Repair.Before, Done = [.. Repair.Done, .. repair.Done] } };
}

/// <summary>How many payouts there is what to say of, and how many repairs.</summary>
internal sealed record AuditCounts
{
    /// <summary>That are being changed.</summary>
    public long UnderWay { get; init; }

    public long Disagreeing { get; init; }

    public long NotKnown { get; init; }

    /// <summary>Of which something is not known, and which do not disagree.</summary>
    public long OnlyNotKnown { get; init; }

    /// <summary>About which the ledger gave no answer.</summary>
    public long NotAnswered { get; init; }

    /// <summary>With anything to say.</summary>
    public long WorthTelling { get; init; }

    /// <summary>Repairs that were done.</summary>
    public long RepairsDone { get; init; }

    /// <summary>Repairs that failed without effect.</summary>
    public long RepairsFailed { get; init; }

    /// <summary>Repairs of which it is not known whether they are done.</summary>
    public long RepairsUnknown { get; init; }

    public AuditCounts With(AuditedPayout payout) => Add(payout, 1);

    public AuditCounts Without(AuditedPayout payout) => Add(payout, -1);

    private AuditCounts Add(AuditedPayout payout, long number)
    {
        var audit = payout.Latest;
        return new AuditCounts
        {
            UnderWay = UnderWay + (audit.IsUnderWay ? number : 0),
            Disagreeing = Disagreeing + (audit.Disagreements.Count > 0 ? number : 0),
            NotKnown = NotKnown + (audit.NotKnown.Count > 0 ? number : 0),
            OnlyNotKnown = OnlyNotKnown + (audit is { Disagreements.Count: 0, NotKnown.Count: > 0 } ? number : 0),
            NotAnswered = NotAnswered + (audit.Failure is not null ? number : 0),
            WorthTelling = WorthTelling + (audit.IsWorthTelling ? number : 0),
            RepairsDone = RepairsDone + (payout.Repair is { } repair ? number * repair.Done.Count : 0),
            RepairsFailed = RepairsFailed + (payout.Repair?.Failure is { MayBeDone: false } ? number : 0),
            RepairsUnknown = RepairsUnknown + (payout.Repair?.Failure is { MayBeDone: true } ? number : 0),
        };
    }
}
