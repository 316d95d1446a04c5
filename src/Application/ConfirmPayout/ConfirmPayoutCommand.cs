using MediatR;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.ConfirmPayout;

/// <summary>
/// Confirms a payout: its money leaves for good. Confirming again changes nothing. Refused with
/// <see cref="NotFoundException"/>, with <see cref="InvalidPayoutStateException"/> for a cancelled or failed payout, or with
/// <see cref="LedgerRefusedException"/> where the ledger refuses to commit its plan.
/// </summary>
/// <param name="PayoutId">The payout.</param>
/// <param name="Actor">Who asks for it; null if nobody said.</param>
public sealed record ConfirmPayoutCommand(string PayoutId, Actor? Actor = null) : IRequest;

internal sealed class ConfirmPayoutHandler(StatusChange statusChange) : IRequestHandler<ConfirmPayoutCommand>
{
    public async Task<Unit> Handle(ConfirmPayoutCommand command, CancellationToken cancellationToken)
    {
        await statusChange.RunAsync(command.PayoutId, new ConfirmIntent(), command.Actor, cancellationToken);
        return Unit.Value;
    }
}
