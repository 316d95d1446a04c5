using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Infrastructure.Contracts;
using PayoutManager.Infrastructure.Woody;
using PayoutManager.Thrift.Parties;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Calls = PayoutManager.Thrift.Parties.PartyManagement.InternalStructs;
using Wire = PayoutManager.Thrift.Domain;

namespace PayoutManager.Infrastructure.PartyManagement;

/// <summary>PartyManagement over woody.</summary>
internal sealed class PartyManagementClient(DependencyClient client) : IPartyManagement
{
    private static readonly UserInfo User = new("admin", new UserType.internal_user(new InternalUser()));

    public async Task<Party?> FindPartyAsync(PartyId id, CancellationToken cancellationToken)
    {
        var result = await client.ReadAsync<Calls.Get_result>(
            "Get", new Calls.Get_args { User = User, PartyId = id.Value }, cancellationToken);
        return result switch
        {
            { Success: { } party } when party.Id == id.Value => ToDomain(id, party),
            { Success: { } party } => throw Unusable("Get", $"another party, '{party.Id}'"),
            { Ex2: not null } => null,
            { Ex1: not null } => throw Unusable("Get", nameof(InvalidUser)),
            _ => throw Unusable("Get", "an empty result"),
        };
    }

    public async Task<CashFlow> ComputeCashFlowAsync(
        PartyId partyId,
        ShopId shopId,
        Domain.Money.Cash cash,
        PayoutToolId payoutToolId,
        DateTimeOffset timestamp,
        CancellationToken cancellationToken)
    {
        var args = new Calls.ComputePayoutCashFlow_args
        {
            User = User,
            PartyId = partyId.Value,
            Params = new PayoutParams(shopId.Value, CashFlowContract.ToWire(cash), ThriftTimestamp.Format(timestamp))
            {
                PayoutToolId = payoutToolId.Value,
            },
        };
        var result = await client.ReadAsync<Calls.ComputePayoutCashFlow_result>("ComputePayoutCashFlow", args, cancellationToken);
        return result switch
        {
            { Success: { } postings } => ToDomain(postings, cash.Currency),
            { Ex2: not null } => throw new NotFoundException($"Party {partyId} not found."),
            { Ex3: not null } => throw new NotFoundException($"Party {partyId} did not exist yet."),
            { Ex4: not null } => throw new NotFoundException($"Shop {shopId} of party {partyId} not found."),
            { Ex5: not null } => throw new NotFoundException($"No cash flow: shop {shopId} may not be paid out."),
            { Ex6: not null } => throw new NotFoundException($"Payout tool {payoutToolId} not found."),
            { Ex1: not null } => throw Unusable("ComputePayoutCashFlow", nameof(InvalidUser)),
            _ => throw Unusable("ComputePayoutCashFlow", "an empty result"),
        };
    }

    /// <summary>
    /// A party whose shops are read when they are asked for: what is odd about one is no concern of the others.
    /// </summary>
    private static Party ToDomain(PartyId id, Wire.Party party) => new(
        id,
        new ConvertedDictionary<Wire.Shop, Shop>(party.Shops!, (shopId, shop) => ToDomain(id, shopId, shop)),
        new ConvertedDictionary<Wire.Contract, Contract>(
            party.Contracts!,
            (contractId, contract) => new Contract(contractId, contract.PayoutTools!.Select(tool => tool.Id).ToHashSet())));

    private static Shop ToDomain(PartyId partyId, string shopId, Wire.Shop shop) =>
        FindFault(shopId, shop) is { } fault
            ? throw Unusable("Get", $"a shop '{shopId}' of party {partyId} that cannot be used: {fault}")
            : new Shop(
                new ShopId(shopId),
                shop.ContractId,
                shop.Account is { } account
                    ? new ShopAccount(new Currency(account.Currency!.SymbolicCode), account.Settlement)
                    : null,
                // One that nothing can be paid out by is as good as none, and no concern of a request that names another.
                shop.PayoutToolId is { } tool && Identifier.Fault(tool) is null ? new PayoutToolId(tool) : null);

    /// <summary>What is odd about a shop; null if nothing that matters here.</summary>
    private static string? FindFault(string shopId, Wire.Shop shop)
    {
        if (shop.Id != shopId)
            return $"its id is '{shop.Id}'";
        if (Identifier.Fault(shopId) is { } id)
            return $"its id {id}";
        return shop.Account?.Currency is { SymbolicCode: var code } && Currency.Fault(code) is { } currency
            ? $"the currency '{code}' of its account {currency}"
            : null;
    }

    private static CashFlow ToDomain(IEnumerable<Wire.FinalCashFlowPosting> postings, Domain.Money.Currency currency)
    {
        try
        {
            var cashFlow = new CashFlow(postings.Select(CashFlowContract.FromWire));
            // Whether they can be added up is found out here, while it is clear whose they are.
            _ = (cashFlow.PayoutAmount(currency), cashFlow.Fee(currency));
            return cashFlow;
        }
        catch (Exception e) when (e is ThriftFormatException or ArgumentException or OverflowException or InvalidOperationException)
        {
            throw Unusable("ComputePayoutCashFlow", $"postings that cannot be used: {e.Message}", e);
        }
    }

    private static DependencyFailedException Unusable(string method, string answer, Exception? cause = null) =>
        new($"PartyManagement answered {method} with {answer}.", WoodyErrorClass.ResultUnexpected, cause);
}
