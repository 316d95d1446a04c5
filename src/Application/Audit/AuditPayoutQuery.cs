using MediatR;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>Compares a payout with its plans in the ledger and its events in the topic.</summary>
/// <param name="PayoutId">Which; it may also be one that does not exist, whose plans then must not either.</param>
/// <remarks>
/// Nothing is changed. Throws <see cref="NotFoundException"/> for what cannot be a payout id, and the failures of the ports
/// where one of the three cannot be asked.
/// </remarks>
public sealed record AuditPayoutQuery(string PayoutId) : IRequest<PayoutAudit>;

internal sealed class AuditPayoutHandler(PayoutAuditor auditor, IPayoutStore payouts, TimeProvider clock)
    : IRequestHandler<AuditPayoutQuery, PayoutAudit>
{
    public async Task<PayoutAudit> Handle(AuditPayoutQuery query, CancellationToken cancellationToken)
    {
        if (Identifier.Fault(query.PayoutId) is not null)
            throw NotFoundException.Payout(query.PayoutId);
        var id = new PayoutId(query.PayoutId);
        var payout = await payouts.FindAsync(id, cancellationToken);
        var topic = await auditor.ReadTopicAsync(payout?.CreatedAt ?? clock.GetUtcNow(), id, cancellationToken);
        return await auditor.AuditAsync(id, topic, cancellationToken);
    }
}
