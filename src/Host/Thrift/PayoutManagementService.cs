using MediatR;
using PayoutManager.Application.CancelPayout;
using PayoutManager.Application.ConfirmPayout;
using PayoutManager.Application.CreatePayout;
using PayoutManager.Application.GetPayout;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Infrastructure.Contracts;
using PayoutManager.Thrift.Base;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using PayoutManager.Woody.Server;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Thrift;

/// <summary>PayoutManagement on the wire: arguments to commands, refusals to declared exceptions.</summary>
internal sealed class PayoutManagementService(IMediator mediator)
{
    public const string Path = "/payout/management";
    public const string Name = "PayoutManagement";

    /// <summary>
    /// The header of <c>PayoutAlreadyExists</c> that says whether the id was taken by the same request; absent where that is unknown.
    /// </summary>
    public const string SameRequestHeader = "payout.same-request";

    public static readonly IReadOnlyList<string> Methods = ["CreatePayout", "GetPayout", "ConfirmPayout", "CancelPayout"];

    private static Actor? Caller => WoodyContext.Current?.Actor is { } name ? new Actor(name) : null;

    public WoodyService Create() => new WoodyService()
        .Method<Calls.CreatePayout_args>("CreatePayout", CreatePayoutAsync, args => args.PayoutParams?.PayoutId)
        .Method<Calls.GetPayout_args>("GetPayout", GetPayoutAsync, args => args.PayoutId)
        .Method<Calls.ConfirmPayout_args>("ConfirmPayout", ConfirmPayoutAsync, args => args.PayoutId)
        .Method<Calls.CancelPayout_args>("CancelPayout", CancelPayoutAsync, args => args.PayoutId);

    private async Task<WoodyReply> CreatePayoutAsync(Calls.CreatePayout_args args, CancellationToken cancellationToken)
    {
        var parameters = Required(args.PayoutParams, "payout_params");
        var result = new Calls.CreatePayout_result();
        try
        {
            var payout = await mediator.Send(
                new CreatePayoutCommand(
                    parameters.ShopParams!.PartyId,
                    parameters.ShopParams.ShopId,
                    parameters.Cash!.Amount,
                    parameters.Cash.Currency!.SymbolicCode,
                    parameters.PayoutId,
                    parameters.PayoutToolId,
                    Caller),
                cancellationToken);
            result.Success = PayoutContract.ToWire(payout);
            return new WoodyReply(result, Subject: payout.Id.Value);
        }
        catch (InsufficientFundsException e)
        {
            result.Ex1 = new InsufficientFunds();
            return new WoodyReply(result, nameof(InsufficientFunds)) { Detail = e.Reason.InWords() };
        }
        catch (InvalidRequestException e)
        {
            result.Ex2 = new InvalidRequest([.. e.Errors]);
            return new WoodyReply(result, nameof(InvalidRequest));
        }
        catch (PayoutAlreadyExistsException e)
        {
            result.Ex3 = new PayoutAlreadyExists();
            return new WoodyReply(result, nameof(PayoutAlreadyExists))
            {
                Headers = e.IsSameRequest is { } isSame ? [new(SameRequestHeader, isSame ? "true" : "false")] : [],
            };
        }
        catch (NotFoundException e)
        {
            result.Ex4 = new NotFound { Message = e.Message };
            return new WoodyReply(result, nameof(NotFound));
        }
    }

    private async Task<WoodyReply> GetPayoutAsync(Calls.GetPayout_args args, CancellationToken cancellationToken)
    {
        var result = new Calls.GetPayout_result();
        try
        {
            var payout = await mediator.Send(
                new GetPayoutQuery(Required(args.PayoutId, "payout_id")), cancellationToken);
            result.Success = PayoutContract.ToWire(payout);
            return new WoodyReply(result);
        }
        catch (NotFoundException e)
        {
            result.Ex1 = new NotFound { Message = e.Message };
            return new WoodyReply(result, nameof(NotFound));
        }
    }

    private async Task<WoodyReply> ConfirmPayoutAsync(Calls.ConfirmPayout_args args, CancellationToken cancellationToken)
    {
        var result = new Calls.ConfirmPayout_result();
        try
        {
            await mediator.Send(new ConfirmPayoutCommand(Required(args.PayoutId, "payout_id"), Caller), cancellationToken);
            return new WoodyReply(result);
        }
        catch (NotFoundException e)
        {
            result.Ex1 = new NotFound { Message = e.Message };
            return new WoodyReply(result, nameof(NotFound));
        }
    }

    private async Task<WoodyReply> CancelPayoutAsync(Calls.CancelPayout_args args, CancellationToken cancellationToken)
    {
        var result = new Calls.CancelPayout_result();
        try
        {
            await mediator.Send(
                new CancelPayoutCommand(Required(args.PayoutId, "payout_id"), Required(args.Details, "details"), Caller),
                cancellationToken);
            return new WoodyReply(result);
        }
        catch (NotFoundException e)
        {
            result.Ex1 = new NotFound { Message = e.Message };
            return new WoodyReply(result, nameof(NotFound));
        }
    }

    /// <summary>The IDL cannot mark arguments as required, but a call without one is malformed all the same.</summary>
    private static T Required<T>(T? argument, string name)
        where T : class => argument ?? throw new ThriftFormatException($"argument {name} is missing");
}
