using Microsoft.Extensions.Logging;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.CreatePayout;

/// <summary>Creates a payout: hold, look at the balance, apply. What is not finished by its caller goes back.</summary>
internal sealed class CreateOperation(
    ILedger ledger,
    OperationLeases leases,
    TimeProvider clock,
    OperationOptions options,
    ILogger<CreateOperation> logger)
{
    /// <param name="intent">What to create.</param>
    /// <param name="settlementAccountId">The account that must not be overdrawn.</param>
    /// <param name="cancellationToken">The caller's deadline.</param>
    public async Task<Payout> RunAsync(CreateIntent intent, long settlementAccountId, CancellationToken cancellationToken)
    {
        var payoutId = intent.Payout.Id;
        var busy = new BusyPayout(payoutId, clock, options);
        while (true)
        {
            switch (await leases.IntendAsync(payoutId, intent, expectedSequenceId: null, cancellationToken))
            {
                case Intended.Started started:
                    return await leases.WorkAsync(
                        started.Operation,
                        (operation, token) => FinishAsync(operation, settlementAccountId, token),
                        cancellationToken);

                case Intended.PayoutMoved:
                case Intended.Occupied { Operation.Intent: not CreateIntent }:
                    throw new PayoutAlreadyExistsException(payoutId.Value);

                case Intended.Occupied { LeaseRanOut: true, Operation.Intent: CreateIntent other }:
                    if (other.Request != intent.Request)
                        throw new PayoutAlreadyExistsException(payoutId.Value);
                    if (await leases.TakeOverAsync(payoutId, cancellationToken) is { } taken)
                    {
                        return await leases.WorkAsync(
                            taken,
                            async (operation, token) =>
                            {
                                await SpendAsync(operation, token);
                                await operation.AdvanceAsync(intent, token);
                                return await FinishAsync(operation, settlementAccountId, token);
                            },
                            cancellationToken);
                    }

                    break;

                default:
                    await busy.WaitAsync(cancellationToken);
                    break;
            }
        }
    }

    /// <summary>Undoes a create that its caller was never told the end of.</summary>
    public async Task GoBackAsync(LeasedOperation operation, CancellationToken cancellationToken)
    {
        var attempt = operation.Operation.Attempt;
        var spent = await SpendAsync(operation, cancellationToken);
        await operation.AbandonAsync(((CreateIntent)operation.Operation.Intent).IdIsOurs ? 0 : spent ? attempt : attempt - 1);
    }

    private async Task<Payout> FinishAsync(
        LeasedOperation operation,
        long settlementAccountId,
        CancellationToken cancellationToken)
    {
        var intent = (CreateIntent)operation.Operation.Intent;
        var attempt = operation.Operation.Attempt;
        var payout = intent.Payout.HeldBy(attempt);
        var plan = payout.HoldPlan;

        LedgerClock held;
        try
        {
            held = await ledger.HoldAsync(plan, cancellationToken);
        }
        catch (Exception e) when (e is NotDoneException or LedgerRefusedException)
        {
            // No money is held. The attempt is not spent: a refusal may mean that this plan was committed in a history
            // that the database has lost, and a fresh plan id would then pay a second time.
            await operation.AbandonAsync(attempt - 1);
            throw;
        }

        long available;
        try
        {
            available = await ledger.GetMinAvailableAmountAsync(settlementAccountId, held, cancellationToken);
        }
        catch (LedgerRefusedException)
        {
            await EndAsync();
            throw;
        }

        if (available < 0)
        {
            await EndAsync();
            throw new InsufficientFundsException(
                $"Account {settlementAccountId} does not have the money of payout {payout.Id}.");
        }

        await operation.ApplyAsync(payout, cancellationToken);
        return payout;

        async Task EndAsync()
        {
            await ledger.RollbackAsync(plan, cancellationToken);
            await operation.AbandonAsync(intent.IdIsOurs ? 0 : attempt);
        }
    }

    /// <summary>
    /// Makes sure that the attempt's plan can never again hold money. Holding it first is what does that: a delayed hold
    /// of a plan that is already rolled back is refused, but one of a plan that the ledger has not seen would succeed.
    /// </summary>
    /// <returns>False if somebody else has committed the plan.</returns>
    private async Task<bool> SpendAsync(LeasedOperation operation, CancellationToken cancellationToken)
    {
        var plan = ((CreateIntent)operation.Operation.Intent).Payout.HeldBy(operation.Operation.Attempt).HoldPlan;
        try
        {
            await ledger.HoldAsync(plan, cancellationToken);
        }
        catch (LedgerRefusedException)
        {
            // Already final, or not acceptable at all; the rollback tells which.
        }

        try
        {
            await ledger.RollbackAsync(plan, cancellationToken);
        }
        catch (LedgerRefusedException refused)
        {
            if (await ledger.FindPlanAsync(plan.Id, cancellationToken) is null)
                return true;
            OperationLog.PlanMovedByOthers(logger, plan.Id, operation.Operation.PayoutId.Value, refused.Message);
            return false;
        }

        return true;
    }
}
