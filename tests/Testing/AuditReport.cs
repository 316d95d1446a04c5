using MediatR;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Ports;

namespace PayoutManager.Testing;

/// <summary>What came of auditing many payouts.</summary>
/// <param name="Payouts">How many were looked at.</param>
/// <param name="Findings">Those that do not agree, are not known or were not compared.</param>
/// <param name="IsComplete">Whether all were looked at; false where the ledger is out of reach.</param>
public sealed record AuditReport(int Payouts, IReadOnlyList<PayoutAudit> Findings, bool IsComplete)
{
    /// <summary>Those that do not agree.</summary>
    public IEnumerable<PayoutAudit> Disagreeing => Findings.Where(audit => audit.Disagreements.Count > 0);

    /// <summary>Those of which the ledger gave no answer.</summary>
    public IEnumerable<PayoutAudit> NotAnswered => Findings.Where(audit => audit.Failure is not null);

    /// <summary>Audits stretch after stretch to the end.</summary>
    public static async Task<AuditReport> MakeAsync(
        IMediator mediator,
        AuditPosition after,
        CancellationToken cancellationToken,
        AuditScope scope = AuditScope.Changes,
        Action<AuditedPage>? onPage = null)
    {
        var (payouts, findings) = (0, new List<PayoutAudit>());
        for (var position = after; ;)
        {
            var stretch = await mediator.Send(new AuditStretchQuery(position, scope) { OnPage = TakeAsync }, cancellationToken);
            position = stretch.UpTo;
            if (stretch.IsAtEnd || stretch.LedgerIsOutOfReach)
                return new AuditReport(payouts, findings, stretch.IsAtEnd);
        }

        Task TakeAsync(AuditedPage page, CancellationToken token)
        {
            payouts += page.Audits.Count;
            findings.AddRange(page.Audits.Where(audit => audit.IsWorthTelling));
            onPage?.Invoke(page);
            return Task.CompletedTask;
        }
    }
}
