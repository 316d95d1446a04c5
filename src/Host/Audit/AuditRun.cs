using System.Globalization;
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

    /// <exception cref="AuditUnfinishedException">A source cannot be read.</exception>
    /// <exception cref="AuditUnderWayException">Somebody else audits all payouts.</exception>
    public async Task RunAsync(IMediator mediator, CancellationToken cancellationToken)
    {
        if (arguments.PayoutId is { } id)
        {
            await TakeAsync(await mediator.Send(new AuditPayoutQuery(id), cancellationToken), mediator, cancellationToken);
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
            foreach (var audit in page.Audits)
                await TakeAsync(audit, mediator, token);
            if (!page.LedgerIsOutOfReach)
                UpTo = page.UpTo;
            Tell(page.UpTo);
        }
    }

    private async Task TakeAsync(PayoutAudit audit, IMediator mediator, CancellationToken cancellationToken)
    {
        RepairReport? repair = null;
        if (arguments is { RepairFor: { } actor, IsDryRun: false } && audit.Repairs.Any())
            repair = await mediator.Send(new RepairPayoutCommand(audit.PayoutId.Value, actor), cancellationToken);
        var payout = new AuditedPayout(audit, repair);
        Failure ??= payout.Latest.Failure;
        if (_places.TryGetValue(audit.PayoutId.Value, out var place))
        {
            // It has been looked at before because of an earlier change.
            Counts = Counts.Without(_listed[place].Latest).With(payout.Latest);
            _listed[place] = payout;
            return;
        }

        Payouts++;
        if (!audit.IsWorthTelling)
            return;
        Counts = Counts.With(payout.Latest);
        if (_listed.Count == MostListed)
        {
            NotListed++;
            return;
        }

        _places[audit.PayoutId.Value] = _listed.Count;
        _listed.Add(payout);
    }

    private void Tell(AuditPosition upTo)
    {
        if (arguments.IsJson || (_toldAt is { } at && clock.GetElapsedTime(at) < ProgressInterval))
            return;
        _toldAt = clock.GetTimestamp();
        var rate = Payouts / Math.Max(clock.GetElapsedTime(_began).TotalSeconds, 0.001);
        progress.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{Payouts} payouts looked at, {rate:F0} a second, up to {upTo}, {Counts.Disagreeing} do not agree …"));
    }
}

/// <summary>A payout that was looked at.</summary>
/// <param name="Found">What was found.</param>
/// <param name="Repair">What came of repairing it; null where that was not tried.</param>
internal sealed record AuditedPayout(PayoutAudit Found, RepairReport? Repair)
{
    /// <summary>The audit as it is after the repair.</summary>
    public PayoutAudit Latest => Repair?.After ?? Found;
}

/// <summary>How many payouts there is what to say of.</summary>
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

    public AuditCounts With(PayoutAudit audit) => Add(audit, 1);

    public AuditCounts Without(PayoutAudit audit) => Add(audit, -1);

    private AuditCounts Add(PayoutAudit audit, long number) => new()
    {
        UnderWay = UnderWay + (audit.IsUnderWay ? number : 0),
        Disagreeing = Disagreeing + (audit.Disagreements.Count > 0 ? number : 0),
        NotKnown = NotKnown + (audit.NotKnown.Count > 0 ? number : 0),
        OnlyNotKnown = OnlyNotKnown + (audit is { Disagreements.Count: 0, NotKnown.Count: > 0 } ? number : 0),
        NotAnswered = NotAnswered + (audit.Failure is not null ? number : 0),
        WorthTelling = WorthTelling + (audit.IsWorthTelling ? number : 0),
    };
}
