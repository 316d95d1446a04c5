using FluentValidation;
using PayoutManager.Application.Pipeline;
using PayoutManager.Domain;
using PayoutManager.Domain.Money;

namespace PayoutManager.Application.CreatePayout;

internal sealed class CreatePayoutValidator : AbstractValidator<CreatePayoutCommand>
{
    public CreatePayoutValidator()
    {
        RuleFor(c => c.PartyId).Satisfies("party_id", Identifier.Fault);
        RuleFor(c => c.ShopId).Satisfies("shop_id", Identifier.Fault);
        RuleFor(c => c.Amount).Satisfies("amount", Cash.AmountFault);
        RuleFor(c => c.Currency).Satisfies("currency", Currency.Fault);
        RuleFor(c => c.PayoutId).Satisfies("payout_id", Identifier.Fault).When(c => c.PayoutId is not null);
        RuleFor(c => c.PayoutToolId).Satisfies("payout_tool_id", Identifier.Fault).When(c => c.PayoutToolId is not null);
    }
}
