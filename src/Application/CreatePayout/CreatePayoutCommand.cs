using MediatR;
using Microsoft.Extensions.Logging;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Telemetry;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.CreatePayout;

/// <summary>Creates a payout and holds its money.</summary>
/// <param name="PartyId">Whose money.</param>
/// <param name="ShopId">Which shop's.</param>
/// <param name="Amount">How much leaves the shop's settlement account before fees, in minor units.</param>
/// <param name="Currency">The amount's currency.</param>
/// <param name="PayoutId">The caller's name for the payout, by which a repeat is recognised; null to have one made.</param>
/// <param name="PayoutToolId">Where the money goes; null for the shop's own tool.</param>
/// <param name="Actor">Who asks for it; null if nobody said.</param>
/// <remarks>
/// Refused by the first that applies: <see cref="InvalidRequestException"/> for malformed parameters,
/// <see cref="InsufficientFundsException"/> for an amount that is not positive, <see cref="PayoutAlreadyExistsException"/>,
/// <see cref="NotFoundException"/> for party or shop, <see cref="InvalidRequestException"/> for a shop that cannot pay
/// this out, <see cref="NotFoundException"/> for contract, tool or cash flow, <see cref="InvalidRequestException"/> for a cash flow
/// with an amount over <see cref="Cash.MaxAmount"/>, <see cref="InsufficientFundsException"/> if nothing is left to pay out, or the
/// account does not have it. <see cref="LedgerRefusedException"/> where the ledger refuses the payout's plan.
/// </remarks>
public sealed record CreatePayoutCommand(
    string PartyId,
    string ShopId,
    long Amount,
    string Currency,
    string? PayoutId = null,
    string? PayoutToolId = null,
    Actor? Actor = null) : IRequest<Payout>;

/// <summary>Makes an id where the caller gives none.</summary>
internal delegate PayoutId NewPayoutId();

internal sealed class CreatePayoutHandler(
    IPayoutStore payouts,
    IPartyManagement parties,
    CreateOperation operation,
    NewPayoutId newId,
    TimeProvider clock,
    ILogger<CreatePayoutHandler> logger) : IRequestHandler<CreatePayoutCommand, Payout>
{
    public async Task<Payout> Handle(CreatePayoutCommand command, CancellationToken cancellationToken)
    {
        try
        {
            return await CreateAsync(command, cancellationToken);
        }
        catch (InsufficientFundsException e)
        {
            PayoutTelemetry.InsufficientFunds(e.Reason);
            CreateLog.InsufficientFunds(logger, command.PayoutId, command.Actor?.Name, e.Reason.InWords());
            throw;
        }
    }

    private async Task<Payout> CreateAsync(CreatePayoutCommand command, CancellationToken cancellationToken)
    {
        if (command.Amount <= 0)
        {
            throw new InsufficientFundsException(
                InsufficientFundsReason.AmountNotPositive, $"The amount must be positive, is {command.Amount}.");
        }

        var request = new PayoutRequest(
            new PartyId(command.PartyId),
            new ShopId(command.ShopId),
            new Cash(command.Amount, new Currency(command.Currency)),
            command.PayoutToolId is { } toolId ? new PayoutToolId(toolId) : null);
        var payoutId = command.PayoutId is { } id ? new PayoutId(id) : newId();

        var (intent, account) = await PrepareAsync(request, payoutId, idIsOurs: command.PayoutId is null, cancellationToken);
        return await operation.RunAsync(intent, account.SettlementId, command.Actor, cancellationToken);
    }

    /// <summary>
    /// What is to be created, by the terms of this moment. That the payout id is taken comes before what is wrong with the rest,
    /// but whoever writes the operation down finds that out anyway: it is looked up only where there is another error to tell.
    /// </summary>
    private async Task<(CreateIntent Intent, ShopAccount Account)> PrepareAsync(
        PayoutRequest request,
        PayoutId payoutId,
        bool idIsOurs,
        CancellationToken cancellationToken)
    {
        try
        {
            var (shop, account, tool) = await FindShopAsync(request, cancellationToken);
            var now = clock.GetUtcNow();
            var cashFlow = await parties.ComputeCashFlowAsync(
                request.PartyId, shop.Id, request.Cash, tool, now, cancellationToken);
            if (cashFlow.AmountFault() is { } fault)
                throw new InvalidRequestException([$"amount cannot be paid out: {fault}"]);
            var amount = cashFlow.PayoutAmount(request.Cash.Currency);
            if (Cash.AmountFault(amount.Amount) is { } amountFault)
                throw new InvalidRequestException([$"amount cannot be paid out: it {amountFault}"]);
            if (amount.Amount <= 0)
            {
                throw new InsufficientFundsException(
                    InsufficientFundsReason.NothingLeftAfterFees, $"Nothing is left to pay out of {request.Cash}: {amount}.");
            }

            var payout = Payout.Create(
                payoutId, now, request.PartyId, shop.Id, tool, request.Cash.Currency, cashFlow);
            return (new CreateIntent(request, payout, idIsOurs), account);
        }
        catch (Exception) when (!idIsOurs)
        {
            if (await IsTakenAsync(payoutId, cancellationToken))
                throw await operation.AlreadyExistsAsync(payoutId, request, cancellationToken);
            throw;
        }
    }

    /// <summary>Whether a payout has this id, as far as can be found out now: there is another error to tell otherwise.</summary>
    private async Task<bool> IsTakenAsync(PayoutId payoutId, CancellationToken cancellationToken)
    {
        try
        {
            return await payouts.FindAsync(payoutId, cancellationToken) is not null;
        }
        catch (NotDoneException)
        {
            return false;
        }
    }

    private async Task<(Shop Shop, ShopAccount Account, PayoutToolId Tool)> FindShopAsync(
        PayoutRequest request,
        CancellationToken cancellationToken)
    {
        var party = await parties.FindPartyAsync(request.PartyId, cancellationToken)
            ?? throw new NotFoundException($"Party {request.PartyId} not found.");
        if (!party.Shops.TryGetValue(request.ShopId.Value, out var shop))
            throw new NotFoundException($"Shop {request.ShopId} of party {request.PartyId} not found.");

        var tool = request.PayoutToolId ?? shop.PayoutToolId;
        List<string> errors = [];
        if (tool is null)
            errors.Add($"payout_tool_id must be given: shop {shop.Id} has none of its own");
        if (shop.Account is null)
            errors.Add($"shop_id {shop.Id} has no account");
        else if (shop.Account.Currency != request.Cash.Currency)
        {
            errors.Add(
                $"currency must be {shop.Account.Currency}, that of the account of shop {shop.Id}, is {request.Cash.Currency}");
        }

        if (tool is null || shop.Account is null || errors.Count > 0)
            throw new InvalidRequestException(errors);

        if (!party.Contracts.TryGetValue(shop.ContractId, out var contract))
            throw new NotFoundException($"Contract {shop.ContractId} of shop {shop.Id} not found.");
        if (!contract.PayoutToolIds.Contains(tool.Value))
            throw new NotFoundException($"Payout tool {tool} of contract {contract.Id} not found.");
        return (shop, shop.Account, tool);
    }
}

internal static partial class CreateLog
{
    // Without the exception's message: logs name no amounts.
    [LoggerMessage(10, LogLevel.Information, "Payout {PayoutId} was not created for {Actor}: insufficient funds, {Reason}")]
    public static partial void InsufficientFunds(ILogger logger, string? payoutId, string? actor, string reason);
}
