using MediatR;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>Compares some payouts as they are now; see <see cref="AuditPayoutQuery"/>.</summary>
/// <param name="PayoutIds">The payouts. Those of which nothing is stored any more are left out of the answer.</param>
/// <param name="TopicSince">Events that were stored from this instant on must be in the topic; null where it is not to be read.</param>
/// <remarks>
/// Throws <see cref="AuditUnfinishedException"/> where a source cannot be read, and also where the ledger is out of reach.
/// </remarks>
public sealed record AuditPayoutsQuery(IReadOnlyList<PayoutId> PayoutIds, DateTimeOffset? TopicSince) : IRequest<IReadOnlyList<PayoutAudit>>;

internal sealed class AuditPayoutsHandler(PayoutAuditor auditor) : IRequestHandler<AuditPayoutsQuery, IReadOnlyList<PayoutAudit>>
{
    public async Task<IReadOnlyList<PayoutAudit>> Handle(AuditPayoutsQuery query, CancellationToken cancellationToken)
    {
        var stored = await auditor.ReadAsync(query.PayoutIds, cancellationToken);
        List<PayoutId> there = [.. query.PayoutIds.Where(id => stored[id] is { Payout: not null } or { Events.Count: > 0 } or { IsUnderWay: true })];
        if (there.Count == 0)
            return [];
        var topic = query.TopicSince is { } since
            ? await auditor.ReadTopicAsync(since, there, cancellationToken)
            : TopicViews.Unread;
        var (audits, ledgerIsOutOfReach) = await auditor.AuditAsync(
            [.. there.Select(id => new AuditSubject(id, SequenceId: null))], topic, cancellationToken);
        return ledgerIsOutOfReach
            ? throw AuditUnfinishedException.LedgerOutOfReach(audits)
            : audits;
    }
}
