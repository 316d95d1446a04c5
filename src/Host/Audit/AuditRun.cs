using MediatR;
using PayoutManager.Application.Audit;

namespace PayoutManager.Host.Audit;

/// <summary>One run of the audit, and what is known so far, also where it does not come to its end.</summary>
/// <param name="arguments">What is asked for.</param>
/// <param name="progress">Where it says how far it is.</param>
internal sealed class AuditRun(AuditArguments arguments, TextWriter progress) : IProgress<AuditReport>
{
    private static readonly TimeSpan Default = TimeSpan.FromHours(24);

    private readonly Dictionary<string, RepairReport> _repairs = [];

    public AuditArguments Arguments => arguments;

    public AuditReport Report { get; private set; } = new(0, [], IsComplete: false);

    /// <summary>Whether every payout was compared.</summary>
    public bool IsFinished { get; private set; }

    public IReadOnlyDictionary<string, RepairReport> Repairs => _repairs;

    /// <summary>The audits as they are after the repairs.</summary>
    public IEnumerable<PayoutAudit> Latest => Report.Findings.Select(audit => RepairOf(audit)?.After ?? audit);

    /// <exception cref="AuditUnfinishedException">A source cannot be read.</exception>
    public async Task RunAsync(IMediator mediator, CancellationToken cancellationToken)
    {
        Report = arguments.PayoutId is { } id
            ? AuditReport.Of(await mediator.Send(new AuditPayoutQuery(id), cancellationToken))
            : await mediator.Send(
                new AuditChangesQuery(arguments.Since ?? TimeProvider.System.GetUtcNow() - Default, Progress: this), cancellationToken);

        if (arguments is { RepairFor: { } actor, IsDryRun: false })
        {
            foreach (var audit in Report.Findings.Where(audit => audit.Repairs.Any()))
                _repairs[audit.PayoutId.Value] = await mediator.Send(new RepairPayoutCommand(audit.PayoutId.Value, actor), cancellationToken);
        }

        IsFinished = Report.IsComplete && Latest.All(audit => audit is { Failure: null, IsUnderWay: false });
    }

    public RepairReport? RepairOf(PayoutAudit audit) => _repairs.GetValueOrDefault(audit.PayoutId.Value);

    void IProgress<AuditReport>.Report(AuditReport value)
    {
        Report = value;
        progress.WriteLine($"{value.Payouts} payouts looked at, {value.Disagreeing.Count()} do not agree …");
    }
}
