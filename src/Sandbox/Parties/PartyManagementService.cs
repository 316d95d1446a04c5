using PayoutManager.Thrift.Parties;
using PayoutManager.Woody.Server;
using Calls = PayoutManager.Thrift.Parties.PartyManagement.InternalStructs;

namespace PayoutManager.Sandbox.Parties;

/// <summary>PartyManagement on the wire.</summary>
internal static class PartyManagementService
{
    public const string Path = "/v1/processing/partymgmt";

    public static WoodyService Create(PartyBook book) => new WoodyService()
        .Method<Calls.Get_args>("Get", (args, _) => Task.FromResult(Get(book, args)))
        .Method<Calls.ComputePayoutCashFlow_args>(
            "ComputePayoutCashFlow", (args, _) => Task.FromResult(ComputePayoutCashFlow(book, args)));

    private static WoodyReply Get(PartyBook book, Calls.Get_args args) =>
        book.Parties.TryGetValue(args.PartyId!, out var party)
            ? new(new Calls.Get_result { Success = party })
            : new(new Calls.Get_result { Ex2 = new PartyNotFound() }, nameof(PartyNotFound));

    private static WoodyReply ComputePayoutCashFlow(PartyBook book, Calls.ComputePayoutCashFlow_args args)
    {
        var result = new Calls.ComputePayoutCashFlow_result();
        var request = args.Params!;
        if (!book.Parties.TryGetValue(args.PartyId!, out var party))
        {
            result.Ex2 = new PartyNotFound();
            return new(result, nameof(PartyNotFound));
        }

        var currency = request.Amount!.Currency!.SymbolicCode;
        if (!party.Shops!.TryGetValue(request.Id, out var shop)
            || shop.Account is not { } account
            || book.SystemAccountsIn(currency) is not { } system)
        {
            result.Ex4 = new ShopNotFound();
            return new(result, nameof(ShopNotFound));
        }

        var tool = request.PayoutToolId ?? shop.PayoutToolId;
        if (!party.Contracts!.TryGetValue(shop.ContractId, out var contract)
            || contract.PayoutTools!.All(t => t.Id != tool))
        {
            result.Ex6 = new PayoutToolNotFound();
            return new(result, nameof(PayoutToolNotFound));
        }

        try
        {
            result.Success = Terms.Compute(account, shop.Id, system, request.Amount);
            return new(result);
        }
        catch (OperationNotPermitted e)
        {
            result.Ex5 = e;
            return new(result, nameof(OperationNotPermitted));
        }
    }
}
