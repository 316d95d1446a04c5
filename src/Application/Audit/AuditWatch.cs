using System.Diagnostics.Metrics;
using MediatR;
using Microsoft.Extensions.Logging;
using PayoutManager.Application.Background;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>How payouts are audited while the service runs.</summary>
public sealed record AuditOptions
{
    /// <summary>How often the payouts are audited that changed since the last time. Default 10 min; zero for never.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How many payouts are looked at each time. Default 1,000; each costs the ledger one to six calls, or none where its database
    /// can be read.
    /// </summary>
    public int AtMost { get; init; } = 1000;

    /// <summary>How long the ledger has for all calls about one payout. Default 10 s.</summary>
    public TimeSpan LedgerPatience { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// Audits from time to time what has changed, and what has not agreed so far, until it does; keeps the figures of it.
/// </summary>
public sealed class AuditWatch : IDisposable
{
    /// <summary>The name under which the figures are kept.</summary>
    public const string MeterName = "PayoutManager.Audit";

    private readonly IMediator _mediator;
    private readonly TimeProvider _clock;
    private readonly AuditOptions _options;
    private readonly BackgroundLoops _loops;
    private readonly ILogger<AuditWatch> _logger;
    private readonly Meter _meter = new(MeterName);
    private DateTimeOffset _auditedUntil;
    private long _audited;
    private IReadOnlyList<PayoutId> _disagreeing = [];
    private IReadOnlyList<PayoutId> _notAnswered = [];

    /// <summary>A watch over what changes from now on.</summary>
    public AuditWatch(
        IMediator mediator, TimeProvider clock, AuditOptions options, BackgroundLoops loops, ILogger<AuditWatch> logger)
    {
        _mediator = mediator;
        _clock = clock;
        _options = options;
        _loops = loops;
        _logger = logger;
        _auditedUntil = clock.GetUtcNow();
        _meter.CreateObservableCounter(
            "payouts.audit.payouts", () => _audited, "{payout}", "Payouts compared with ledger and topic.");
        _meter.CreateObservableGauge(
            "payouts.audit.disagreeing", () => _disagreeing.Count, "{payout}", "Payouts that did not agree when they were last looked at.");
        _meter.CreateObservableGauge(
            "payouts.audit.age", () => (_clock.GetUtcNow() - _auditedUntil).TotalSeconds, "s", "Time since the latest audit.");
    }

    /// <summary>Audits at every interval until told to stop.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (_options.Interval == TimeSpan.Zero)
            return;
        await Task.Delay(_options.Interval, _clock, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await _loops.RunAsync(
            "audit",
            async token =>
            {
                await AuditAsync(token);
                return _options.Interval;
            },
            cancellationToken,
            // It may cost the ledger thousands of calls.
            longestPause: _options.Interval);
    }

    /// <summary>Audits what has changed since the last time, and what did not agree then or was not answered. Repairs nothing.</summary>
    /// <exception cref="AuditUnfinishedException">A source is out of reach; the same is audited again next time.</exception>
    public async Task AuditAsync(CancellationToken cancellationToken)
    {
        var now = _clock.GetUtcNow();
        var report = await _mediator.Send(new AuditChangesQuery(_auditedUntil, _options.AtMost), cancellationToken);
        if (!report.IsComplete)
            throw new AuditUnfinishedException(AuditSource.Ledger, new NotDoneException($"The ledger gives no answer: {report.NotAnswered.Last().Failure}"));

        // Told of once: those that are looked at again are not told of again.
        var (disagreeing, notAnswered) = (report.Disagreeing.ToList(), report.NotAnswered.ToList());
        var again = await AuditAgainAsync(cancellationToken);
        disagreeing.AddRange(again.Where(audit => audit.Disagreements.Count > 0 && !_disagreeing.Contains(audit.PayoutId)));
        foreach (var audit in disagreeing)
        {
            foreach (var disagreement in audit.Disagreements)
                AuditLog.Disagrees(_logger, audit.PayoutId.Value, disagreement.Kind, disagreement.Description);
        }

        foreach (var audit in notAnswered)
            AuditLog.NotAnswered(_logger, audit.PayoutId.Value, audit.Failure);
        notAnswered.AddRange(again.Where(audit => audit.Failure is not null));
        disagreeing.AddRange(again.Where(audit =>
            _disagreeing.Contains(audit.PayoutId) && (audit.IsUnderWay || audit.Disagreements.Count > 0 || audit.Failure is not null)));
        _disagreeing = [.. disagreeing.Select(audit => audit.PayoutId).Distinct()];
        _notAnswered = [.. notAnswered.Select(audit => audit.PayoutId).Except(_disagreeing).Distinct()];
        _audited += report.Payouts;
        _auditedUntil = now;
    }

    /// <summary>Looks again at those that did not agree or were not answered.</summary>
    private async Task<IReadOnlyList<PayoutAudit>> AuditAgainAsync(CancellationToken cancellationToken)
    {
        var audits = new List<PayoutAudit>();
        foreach (var id in _disagreeing.Concat(_notAnswered))
        {
            try
            {
                audits.Add(await _mediator.Send(new AuditPayoutQuery(id.Value), cancellationToken));
            }
            catch (NotFoundException)
            {
                // Somebody has deleted row and events.
            }
        }

        return audits;
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
