using MediatR;
using PayoutManager.Application.Ports;

namespace PayoutManager.Application.Audit;

/// <summary>Compares all payouts that have changed since an instant with their events, their records in the topic and the ledger.</summary>
/// <param name="Since">The instant.</param>
/// <param name="AtMost">How many payouts to look at, those that changed first; null for all.</param>
/// <param name="Progress">Is told after each page; null for nobody.</param>
/// <remarks>
/// Nothing is changed but what <see cref="LedgerQuestions"/> says. Throws <see cref="AuditUnfinishedException"/> where database or topic,
/// or the ledger's database, cannot be read. Where the ledger gives no answer, the report says so; it ends early where the ledger
/// is out of reach.
/// </remarks>
public sealed record AuditChangesQuery(DateTimeOffset Since, int? AtMost = null, IProgress<AuditReport>? Progress = null)
    : IRequest<AuditReport>;

/// <summary>What came of looking at many payouts.</summary>
/// <param name="Payouts">How many were looked at.</param>
/// <param name="Findings">Those that do not agree, are not known or were not compared; all others agree.</param>
/// <param name="IsComplete">Whether all were looked at; false so far, and where the ledger is out of reach.</param>
public sealed record AuditReport(int Payouts, IReadOnlyList<PayoutAudit> Findings, bool IsComplete)
{
    /// <summary>Those that do not agree.</summary>
    public IEnumerable<PayoutAudit> Disagreeing => Findings.Where(audit => audit.Disagreements.Count > 0);

    /// <summary>Those of which the ledger gave no answer.</summary>
    public IEnumerable<PayoutAudit> NotAnswered => Findings.Where(audit => audit.Failure is not null);

    /// <summary>The report of one payout.</summary>
    public static AuditReport Of(PayoutAudit audit) =>
        new(1, audit.IsWorthTelling ? [audit] : [], IsComplete: true);
}

internal sealed class AuditChangesHandler(PayoutAuditor auditor) : IRequestHandler<AuditChangesQuery, AuditReport>
{
    private const int PageSize = 200;

    public async Task<AuditReport> Handle(AuditChangesQuery query, CancellationToken cancellationToken)
    {
        var topic = await auditor.ReadTopicAsync(query.Since, payoutId: null, cancellationToken);
        var report = new AuditReport(0, [], IsComplete: false);
        ChangedPayout? last = null;
        while (query.AtMost is not { } most || report.Payouts < most)
        {
            var size = Math.Min(PageSize, query.AtMost - report.Payouts ?? PageSize);
            var page = await auditor.ListChangedAsync(query.Since, last, size, cancellationToken);
            var (audits, ledgerIsOutOfReach) = await auditor.AuditAsync(
                [.. page.Select(changed => changed.PayoutId)], topic, cancellationToken);
            report = new AuditReport(
                report.Payouts + audits.Count,
                [.. report.Findings, .. audits.Where(audit => audit.IsWorthTelling)],
                IsComplete: false);
            query.Progress?.Report(report);
            if (ledgerIsOutOfReach)
                return report;
            if (page.Count < size)
                break;
            last = page[^1];
        }

        return report with { IsComplete = true };
    }
}
