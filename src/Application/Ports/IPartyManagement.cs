using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;

namespace PayoutManager.Application.Ports;

/// <summary>Knows merchants and what a payout costs them. Only read, so a call can always be repeated.</summary>
/// <remarks>
/// Every method throws <see cref="NotDoneException"/> where no answer was had, and
/// <see cref="DependencyFailedException"/> on an undeclared or unusable one.
/// </remarks>
public interface IPartyManagement
{
    /// <summary>The party, or null if there is none.</summary>
    Task<Party?> FindPartyAsync(PartyId id, CancellationToken cancellationToken);

    /// <summary>The postings of a payout under the terms of an instant.</summary>
    /// <exception cref="NotFoundException">They cannot be computed; the message says what is missing.</exception>
    Task<CashFlow> ComputeCashFlowAsync(
        PartyId partyId,
        ShopId shopId,
        Cash cash,
        PayoutToolId payoutToolId,
        DateTimeOffset timestamp,
        CancellationToken cancellationToken);
}
