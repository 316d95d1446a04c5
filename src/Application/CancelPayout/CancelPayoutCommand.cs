using MediatR;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;

namespace PayoutManager.Application.CancelPayout;

/// <summary>
/// Cancels a payout: its hold is rolled back or, if it was confirmed, its money reverted. Cancelling again changes
/// nothing, and the first details stay. Refused with <see cref="NotFoundException"/>, or with
/// <see cref="InvalidRequestException"/> for details that cannot be stored.
/// </summary>
/// <param name="PayoutId">The payout.</param>
/// <param name="Details">Why: at most 4,096 characters.</param>
public sealed record CancelPayoutCommand(string PayoutId, string Details) : IRequest;

internal sealed class CancelPayoutHandler(StatusChange statusChange) : AsyncRequestHandler<CancelPayoutCommand>
{
    protected override Task Handle(CancelPayoutCommand command, CancellationToken cancellationToken) =>
        statusChange.RunAsync(command.PayoutId, new CancelIntent(command.Details), cancellationToken);
}
