using MediatR;
using PayoutManager.Application.Ports;

namespace PayoutManager.Application.Audit;

/// <summary>Compares all payouts that have changed since an instant with their plans in the ledger and their events.</summary>
/// <param name="Since">The instant.</param>
/// <param name="AtMost">How many payouts to look at, those that changed first; null for all.</param>
/// <param name="Progress">Is told after each page; null for nobody.</param>
/// <remarks>Nothing is changed. Throws the failures of the ports where one of the three cannot be asked.</remarks>
public sealed record AuditChangesQuery(DateTimeOffset Since, int? AtMost = null, IProgress<AuditReport>? Progress = null)
    : IRequest<AuditReport>;

/// <summary>What came of looking at many payouts.</summary>
/// <param name="Payouts">How many were looked at.</param>
/// <param name="UnderWay">How many of them were being changed, so that nothing can be said.</param>
/// <param name="Disagreeing">Those that do not agree.</param>
public sealed record AuditReport(int Payouts, int UnderWay, IReadOnlyList<PayoutAudit> Disagreeing);

internal sealed class AuditChangesHandler(PayoutAuditor auditor, IPayoutHistory history)
    : IRequestHandler<AuditChangesQuery, AuditReport>
{
    private const int PageSize = 200;

    // Enough to keep the ledger busy, too few to be in the way of payouts.
    private const int AtOnce = 8;

    public async Task<AuditReport> Handle(AuditChangesQuery query, CancellationToken cancellationToken)
    {
        var topic = await auditor.ReadTopicAsync(query.Since, payoutId: null, cancellationToken);
        var report = new AuditReport(0, 0, []);
        ChangedPayout? last = null;
        while (query.AtMost is not { } most || report.Payouts < most)
        {
            var size = Math.Min(PageSize, query.AtMost - report.Payouts ?? PageSize);
            var page = await history.ListChangedAsync(query.Since, last, size, cancellationToken);
            foreach (var few in page.Chunk(AtOnce))
            {
                var audits = await Task.WhenAll(
                    few.Select(changed => auditor.AuditAsync(changed.PayoutId, topic, cancellationToken)));
                report = new AuditReport(
                    report.Payouts + audits.Length,
                    report.UnderWay + audits.Count(audit => audit.IsUnderWay),
                    [.. report.Disagreeing, .. audits.Where(audit => audit.Disagreements.Count > 0)]);
            }

            query.Progress?.Report(report);
            if (page.Count < size)
                break;
            last = page[^1];
        }

        return report;
    }
}
