using MediatR;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.CancelPayout;

/// <summary>
/// Cancels a payout: its hold is rolled back or, if it was confirmed, its money reverted. Cancelling again changes
/// nothing, and the first details stay. Refused with <see cref="NotFoundException"/>, with <see cref="InvalidRequestException"/> for
/// details that cannot be stored, with <see cref="InvalidPayoutStateException"/> for a failed payout, or with
/// <see cref="LedgerRefusedException"/> where the ledger gives the money back neither way.
/// </summary>
/// <param name="PayoutId">The payout.</param>
/// <param name="Details">Why: at most 4,096 characters.</param>
/// <param name="Actor">Who asks for it; null if nobody said.</param>
public sealed record CancelPayoutCommand(string PayoutId, string Details, Actor? Actor = null) : IRequest;

internal sealed class CancelPayoutHandler(StatusChange statusChange) : IRequestHandler<CancelPayoutCommand>
{
    public async Task<Unit> Handle(CancelPayoutCommand command, CancellationToken cancellationToken)
    {
        await statusChange.RunAsync(command.PayoutId, new CancelIntent(command.Details), command.Actor, cancellationToken);
        return Unit.Value;
    }
}
