using MediatR;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.GetPayout;

/// <summary>What a payout is.</summary>
/// <param name="PayoutId">
/// The payout, also one of a predecessor whose id breaks today's rules. <see cref="NotFoundException"/> where there is none.
/// </param>
public sealed record GetPayoutQuery(string PayoutId) : IRequest<Payout>;

internal sealed class GetPayoutHandler(IPayoutStore payouts) : IRequestHandler<GetPayoutQuery, Payout>
{
    public async Task<Payout> Handle(GetPayoutQuery query, CancellationToken cancellationToken) =>
        await payouts.FindAsync(PayoutId.Restore(query.PayoutId), cancellationToken) ?? throw NotFoundException.Payout(query.PayoutId);
}
