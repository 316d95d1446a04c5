using MediatR;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.ConfirmPayout;

/// <summary>
/// Confirms a payout: its money leaves for good. Confirming again changes nothing. Refused with
/// <see cref="NotFoundException"/>, or with <see cref="InvalidPayoutStateException"/> for a cancelled payout.
/// </summary>
/// <param name="PayoutId">The payout.</param>
public sealed record ConfirmPayoutCommand(string PayoutId) : IRequest;

internal sealed class ConfirmPayoutHandler(StatusChange statusChange) : AsyncRequestHandler<ConfirmPayoutCommand>
{
    protected override Task Handle(ConfirmPayoutCommand command, CancellationToken cancellationToken) =>
        statusChange.RunAsync(command.PayoutId, new ConfirmIntent(), cancellationToken);
}
