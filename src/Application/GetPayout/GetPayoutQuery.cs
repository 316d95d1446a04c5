using MediatR;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.GetPayout;

/// <summary>What a payout is.</summary>
/// <param name="PayoutId">The payout. Whatever cannot be an id names no payout: <see cref="NotFoundException"/>.</param>
public sealed record GetPayoutQuery(string PayoutId) : IRequest<Payout>;

internal sealed class GetPayoutHandler(IPayoutStore payouts) : IRequestHandler<GetPayoutQuery, Payout>
{
    public async Task<Payout> Handle(GetPayoutQuery query, CancellationToken cancellationToken)
    {
        var payout = Identifier.Fault(query.PayoutId) is null
            ? await payouts.FindAsync(new PayoutId(query.PayoutId), cancellationToken)
            : null;
        return payout ?? throw NotFoundException.Payout(query.PayoutId);
    }
}
