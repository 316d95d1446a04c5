using MediatR;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>Compares a payout with its events, its records in the topic and its plans in the ledger.</summary>
/// <param name="PayoutId">The payout, also one of a predecessor whose id breaks today's rules.</param>
/// <remarks>
/// Nothing is changed but what <see cref="LedgerQuestions"/> says. Throws <see cref="NotFoundException"/> where there is no such payout
/// and <see cref="AuditUnfinishedException"/> where database or topic, or the ledger's database, cannot be read. That the ledger gives
/// no answer is told by the audit.
/// </remarks>
public sealed record AuditPayoutQuery(string PayoutId) : IRequest<PayoutAudit>;

internal sealed class AuditPayoutHandler(PayoutAuditor auditor) : IRequestHandler<AuditPayoutQuery, PayoutAudit>
{
    public async Task<PayoutAudit> Handle(AuditPayoutQuery query, CancellationToken cancellationToken)
    {
        // No database can hold any other.
        if (!Identifier.IsStorable(query.PayoutId))
            throw NotFoundException.Payout(query.PayoutId);
        var id = PayoutId.Restore(query.PayoutId);
        var stored = (await auditor.ReadAsync([id], cancellationToken))[id];
        var since = stored.Payout?.CreatedAt ?? (stored.Events is [var first, ..] ? first.CreatedAt : null);
        if (since is null && stored.IsUnderWay)
            return PayoutAudit.UnderWay(id);
        if (since is null)
            throw NotFoundException.Payout(query.PayoutId);
        var topic = await auditor.ReadTopicAsync(since.Value, [id], cancellationToken);
        return (await auditor.AuditAsync([new AuditSubject(id, SequenceId: null)], topic, cancellationToken)).Audits[0];
    }
}
