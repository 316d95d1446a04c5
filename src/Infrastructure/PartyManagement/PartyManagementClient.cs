using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Infrastructure.Contracts;
using PayoutManager.Infrastructure.Woody;
using PayoutManager.Thrift.Parties;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol;
using Calls = PayoutManager.Thrift.Parties.PartyManagement.InternalStructs;
using Wire = PayoutManager.Thrift.Domain;

namespace PayoutManager.Infrastructure.PartyManagement;

/// <summary>PartyManagement over woody.</summary>
internal sealed class PartyManagementClient(DependencyClient client) : IPartyManagement
{
    private static readonly UserInfo User = new("admin", new UserType.internal_user(new InternalUser()));

    public async Task<Party?> FindPartyAsync(PartyId id, CancellationToken cancellationToken)
    {
        var result = await ReadAsync<Calls.Get_result>(
            "Get", new Calls.Get_args { User = User, PartyId = id.Value }, cancellationToken);
        return result switch
        {
            { Success: { } party } => Understand(() => ToDomain(party)),
            { Ex2: not null } => null,
            { Ex1: not null } => throw Refused("Get", nameof(InvalidUser)),
            _ => throw Refused("Get", "an empty result"),
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
        var result = await ReadAsync<Calls.ComputePayoutCashFlow_result>("ComputePayoutCashFlow", args, cancellationToken);
        return result switch
        {
            { Success: { } postings } => Understand(() => new CashFlow(postings.Select(CashFlowContract.FromWire))),
            { Ex2: not null } => throw new NotFoundException($"Party {partyId} not found."),
            { Ex3: not null } => throw new NotFoundException($"Party {partyId} did not exist yet."),
            { Ex4: not null } => throw new NotFoundException($"Shop {shopId} of party {partyId} not found."),
            { Ex5: not null } => throw new NotFoundException($"No cash flow: shop {shopId} may not be paid out."),
            { Ex6: not null } => throw new NotFoundException($"Payout tool {payoutToolId} not found."),
            { Ex1: not null } => throw Refused("ComputePayoutCashFlow", nameof(InvalidUser)),
            _ => throw Refused("ComputePayoutCashFlow", "an empty result"),
        };
    }

    /// <summary>A call that only reads has no effect, so a lost answer is as good as none.</summary>
    private async Task<TResult> ReadAsync<TResult>(string method, TBase args, CancellationToken cancellationToken)
        where TResult : TBase, new()
    {
        try
        {
            return await client.CallAsync<TResult>(method, args, cancellationToken);
        }
        catch (OutcomeUnknownException e)
        {
            throw new NotDoneException(e.Message, e.InnerException);
        }
    }

    private static Party ToDomain(Wire.Party party) => new(
        new PartyId(party.Id),
        party.Shops!.ToDictionary(entry => entry.Key, entry => ToDomain(entry.Value)),
        party.Contracts!.ToDictionary(
            entry => entry.Key,
            entry => new Contract(entry.Value.Id, entry.Value.PayoutTools!.Select(tool => tool.Id).ToHashSet())));

    private static Shop ToDomain(Wire.Shop shop) => new(
        new ShopId(shop.Id),
        shop.ContractId,
        shop.Account is { } account
            ? new ShopAccount(new Currency(account.Currency!.SymbolicCode), account.Settlement)
            : null,
        shop.PayoutToolId is { } tool ? new PayoutToolId(tool) : null);

    private static T Understand<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is ThriftFormatException or ArgumentException)
        {
            throw new DependencyFailedException(
                $"PartyManagement answered what cannot be used: {e.Message}", WoodyErrorClass.ResultUnexpected, e);
        }
    }

    private static DependencyFailedException Refused(string method, string answer) =>
        new($"PartyManagement answered {method} with {answer}.", WoodyErrorClass.ResultUnexpected);
}
