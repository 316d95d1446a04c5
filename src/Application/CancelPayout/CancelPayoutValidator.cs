using FluentValidation;
using PayoutManager.Application.Pipeline;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.CancelPayout;

internal sealed class CancelPayoutValidator : AbstractValidator<CancelPayoutCommand>
{
    public CancelPayoutValidator() => RuleFor(c => c.Details).Satisfies("details", PayoutStatus.DetailsFault);
}
