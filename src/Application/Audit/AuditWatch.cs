using System.Diagnostics.Metrics;
using MediatR;
using Microsoft.Extensions.Logging;
using PayoutManager.Application.Background;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>
/// Audits what changes, and what has not agreed so far, until it does; keeps the figures of it. Of all hosts one does it at a time, by a lease. How
/// far it has come and what it has found is in the database, where any host goes on with it.
/// </summary>
public sealed class AuditWatch : IDisposable
{
    /// <summary>The name under which the figures are kept.</summary>
    public const string MeterName = "PayoutManager.Audit";

    // Audited again as often as what disagrees.
    private const int PageSize = 200;

    // After a failure; a page is all that is repeated.
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    // Only the topic shows whether these have gone.
    private static readonly string[] OfTopic =
    [
        nameof(DisagreementKind.NotPublished), nameof(DisagreementKind.ForeignRecord), nameof(DisagreementKind.PublishedOutOfOrder),
        Waits.UnderWay, Waits.NotAcknowledged,
    ];

    private readonly IMediator _mediator;
    private readonly IAuditProgress _progress;
    private readonly IAuditFindings _findings;
    private readonly TimeProvider _clock;
    private readonly AuditOptions _options;
    private readonly BackgroundLoops _loops;
    private readonly ILogger<AuditWatch> _logger;
    private readonly Meter _meter = new(MeterName);
    private Figures? _figures;
    private long _audited;

    /// <summary>A watch over all payouts.</summary>
    public AuditWatch(
        IMediator mediator,
        IAuditProgress progress,
        IAuditFindings findings,
        TimeProvider clock,
        AuditOptions options,
        BackgroundLoops loops,
        ILogger<AuditWatch> logger)
    {
        (_mediator, _progress, _findings, _clock, _options, _loops, _logger) =
            (mediator, progress, findings, clock, options, loops, logger);
        _meter.CreateObservableCounter(
            "payouts.audit.payouts", () => Volatile.Read(ref _audited), "{payout}", "Payouts that this host has compared with ledger and topic.");
        _meter.CreateObservableGauge(
            "payouts.audit.disagreeing", () => Show(f => f.Counts.Disagreeing), "{payout}", "Payouts that did not agree when they were last looked at.");
        _meter.CreateObservableGauge(
            "payouts.audit.waiting", () => Show(f => f.Counts.Waiting), "{payout}", "Payouts that could not be compared when they were last looked at.");
        _meter.CreateObservableGauge(
            "payouts.audit.age", () => Show(AgeOf), "s", "Age of the place up to which all changes have been audited.");
    }

    /// <summary>Audits at every interval, and keeps the figures, until told to stop.</summary>
    public Task RunAsync(CancellationToken cancellationToken) =>
        _loops.RunAsync("audit", LookAsync, cancellationToken, LongestPause);

    /// <summary>
    /// Audits what has changed since the last time, by whatever host, and what did not agree then or could not be compared. Repairs
    /// nothing, and does nothing while another host does the same.
    /// </summary>
    /// <exception cref="AuditUnfinishedException">A source is out of reach. The same or another host goes on from there.</exception>
    /// <exception cref="NotDoneException">Too much was found, or the database is out of reach.</exception>
    public async Task AuditAsync(CancellationToken cancellationToken)
    {
        var audit = new LeasedAudit(_progress, AuditScope.Changes, _options, _clock);
        if (await audit.TryRunAsync(token => AuditAsync(audit, token), cancellationToken))
            await ReadFiguresAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private async Task<TimeSpan> LookAsync(CancellationToken cancellationToken)
    {
        var state = await ReadFiguresAsync(cancellationToken);
        if (_options.Interval == TimeSpan.Zero)
            return _options.LookInterval;
        if (state.IsFree && state.Now - _options.Margin - state.Position.StoredAt >= _options.Interval)
            await AuditAsync(cancellationToken);
        return _options.Interval < _options.LookInterval ? _options.Interval : _options.LookInterval;
    }

    private async Task<AuditState> ReadFiguresAsync(CancellationToken cancellationToken)
    {
        Figures? figures = null;
        try
        {
            var state = await _progress.ReadAsync(AuditScope.Changes, cancellationToken);
            figures = new Figures(state, await _findings.CountAsync(cancellationToken), _clock.GetTimestamp());
            return state;
        }
        finally
        {
            // None, rather than old ones.
            Volatile.Write(ref _figures, figures);
        }
    }

    private async Task AuditAsync(LeasedAudit audit, CancellationToken cancellationToken)
    {
        for (long? lookedAgainAt = null; ;)
        {
            if (lookedAgainAt is not { } at || _clock.GetElapsedTime(at) >= _options.Interval)
            {
                lookedAgainAt = _clock.GetTimestamp();
                await AuditAgainAsync(cancellationToken);
            }

            await StandStillIfTooManyAsync(audit.Position, cancellationToken);
            var pageBegan = _clock.GetTimestamp();
            var stretch = await _mediator.Send(
                new AuditStretchQuery(audit.Position) { Margin = _options.Margin, OnPage = TakeAsync }, cancellationToken);
            if (stretch.IsAtEnd)
                return;

            async Task TakeAsync(AuditedPage page, CancellationToken token)
            {
                if (page.LedgerIsOutOfReach)
                    throw AuditUnfinishedException.LedgerOutOfReach(page.Audits);
                var isAnyKept = false;
                foreach (var payout in page.Audits)
                    isAnyKept |= await KeepAsync(payout, page.Since, token);
                await audit.AdvanceAsync(page.UpTo, token);
                if (isAnyKept)
                    await StandStillIfTooManyAsync(page.UpTo, token);
                Interlocked.Add(ref _audited, page.Audits.Count);
                await Task.Delay(PauseAfter(page.Audits.Count, pageBegan), _clock, token);
                pageBegan = _clock.GetTimestamp();
            }
        }
    }

    private async Task StandStillIfTooManyAsync(AuditPosition position, CancellationToken cancellationToken)
    {
        var found = await _findings.CountAsync(cancellationToken);
        if (found.Disagreeing + found.Waiting >= _options.MostFindings)
        {
            throw new NotDoneException(
                $"The audit stands still at {position}: {found.Disagreeing} payouts do not agree, and {found.Waiting} could not be compared.");
        }
    }

    /// <summary>Looks again at what did not agree or could not be compared.</summary>
    private async Task AuditAgainAsync(CancellationToken cancellationToken)
    {
        var state = await _progress.ReadAsync(AuditScope.Changes, cancellationToken);
        for (var after = ""; ;)
        {
            var page = await _findings.ListAsync(state.Now, after, PageSize, cancellationToken);
            foreach (var kept in page.Where(kept => IsDue(kept, state.Now)).GroupBy(NeedsTopic))
            {
                var began = _clock.GetTimestamp();
                await AuditAgainAsync([.. kept], kept.Key ? kept.Min(k => k.Finding.Since) : null, cancellationToken);
                await Task.Delay(PauseAfter(kept.Count(), began), _clock, cancellationToken);
            }

            if (page.Count < PageSize)
                return;
            after = page[^1].Finding.PayoutId.Value;
        }
    }

    private async Task AuditAgainAsync(
        IReadOnlyList<AuditFinding> kept, DateTimeOffset? topicSince, CancellationToken cancellationToken)
    {
        var audits = (await _mediator.Send(
            new AuditPayoutsQuery([.. kept.Select(k => k.Finding.PayoutId)], topicSince), cancellationToken)).ToDictionary(audit => audit.PayoutId);
        var gone = new List<PayoutId>();
        foreach (var finding in kept.Select(k => k.Finding))
        {
            if (!audits.TryGetValue(finding.PayoutId, out var audit) || !await KeepAsync(audit, finding.Since, cancellationToken))
                gone.Add(finding.PayoutId);
        }

        if (gone.Count > 0)
            await _findings.RemoveAsync(gone, cancellationToken);
    }

    /// <summary>Keeps what has to be looked at again, and tells of it once; false if there is nothing to keep.</summary>
    private async Task<bool> KeepAsync(PayoutAudit audit, DateTimeOffset since, CancellationToken cancellationToken)
    {
        NewAuditFinding? finding = audit switch
        {
            { Disagreements.Count: > 0 } => new(
                audit.PayoutId,
                string.Join(", ", audit.Disagreements.Select(d => d.Kind).Distinct()),
                string.Join('\n', audit.Disagreements.Select(d => d.Description)),
                Disagrees: true,
                since),
            { IsUnderWay: true } => Wait(Waits.UnderWay, "It was being changed and was not compared."),
            { AwaitsBroker: true } => Wait(Waits.NotAcknowledged, "The broker had not acknowledged all of its events."),
            { Failure: { } failure } => Wait(Waits.NotAnswered, failure),
            _ => null,
        };
        if (finding is null)
            return false;
        if (!await _findings.StoreAsync(finding, cancellationToken))
            return true;
        foreach (var disagreement in audit.Disagreements)
            AuditLog.Disagrees(_logger, audit.PayoutId.Value, disagreement.Kind, disagreement.Description);
        if (finding.Kind == Waits.NotAnswered)
            AuditLog.NotAnswered(_logger, audit.PayoutId.Value, audit.Failure);
        return true;

        NewAuditFinding Wait(string kind, string description) => new(audit.PayoutId, kind, description, Disagrees: false, since);
    }

    /// <summary>
    /// Once in an interval. What the topic has to be read for again waits longer the longer it has been known, a quarter of that time: the
    /// more of the topic there is to be read, the more rarely that is done.
    /// </summary>
    private bool IsDue(AuditFinding kept, DateTimeOffset now) =>
        // An interval is between the beginnings of two audits.
        now - kept.LastSeenAt >= _options.Interval / 2
        && (!NeedsTopic(kept) || now - kept.LastSeenAt >= (kept.LastSeenAt - kept.FirstSeenAt) / 4);

    private static bool NeedsTopic(AuditFinding kept) => kept.Finding.Kind.Split(", ").Any(OfTopic.Contains);

    private TimeSpan PauseAfter(int payouts, long began) =>
        TimeSpan.FromSeconds((double)payouts / _options.PerSecond) - _clock.GetElapsedTime(began) is { Ticks: > 0 } pause ? pause : TimeSpan.Zero;

    private double AgeOf(Figures figures) =>
        (figures.State.Now + _clock.GetElapsedTime(figures.ReadAt) - figures.State.Position.StoredAt).TotalSeconds;

    private IEnumerable<Measurement<T>> Show<T>(Func<Figures, T> figure)
        where T : struct => Volatile.Read(ref _figures) is { } figures ? [new Measurement<T>(figure(figures))] : [];

    /// <summary>Why a payout could not be compared.</summary>
    private static class Waits
    {
        public const string UnderWay = nameof(UnderWay);
        public const string NotAcknowledged = nameof(NotAcknowledged);
        public const string NotAnswered = nameof(NotAnswered);
    }

    private sealed record Figures(AuditState State, AuditFindingCounts Counts, long ReadAt);
}
