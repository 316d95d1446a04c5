using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Operations;

/// <summary>Confirms and cancels payouts: first the ledger, then the payout. What is not finished goes forward.</summary>
internal sealed class StatusChange(
    IPayoutStore payouts,
    ILedger ledger,
    OperationLeases leases,
    TimeProvider clock,
    OperationOptions options)
{
    /// <param name="payoutId">The payout, in the caller's words.</param>
    /// <param name="intent">Confirm or cancel.</param>
    /// <param name="cancellationToken">The caller's deadline.</param>
    /// <exception cref="NotFoundException">There is no such payout.</exception>
    /// <exception cref="InvalidPayoutStateException">Its state does not allow the change.</exception>
    public async Task RunAsync(string payoutId, OperationIntent intent, CancellationToken cancellationToken)
    {
        // What cannot be an id names no payout.
        if (Identifier.Fault(payoutId) is not null)
            throw NotFoundException.Payout(payoutId);
        var id = new PayoutId(payoutId);

        var busy = new BusyPayout(id, clock, options);
        while (true)
        {
            var payout = await payouts.FindAsync(id, cancellationToken) ?? throw NotFoundException.Payout(payoutId);
            if (ReferenceEquals(Changed(payout, intent), payout))
                return;

            switch (await leases.IntendAsync(id, intent, payout.SequenceId, cancellationToken))
            {
                case Intended.Started started:
                    await leases.WorkAsync(
                        started.Operation,
                        (operation, token) => GoForwardAsync(operation, payout, nothingDoneYet: true, token),
                        cancellationToken);
                    return;

                case Intended.Occupied { LeaseRanOut: true }:
                    // Whatever it is, it goes forward; then this call looks at the payout again.
                    if (await leases.TakeOverAsync(id, cancellationToken) is { } taken)
                        await leases.WorkAsync(taken, GoForwardAsync, cancellationToken);
                    break;

                case Intended.Occupied:
                    await busy.WaitAsync(cancellationToken);
                    break;
            }
        }
    }

    /// <summary>Finishes a change that its caller was never told the end of.</summary>
    public async Task<Payout> GoForwardAsync(LeasedOperation operation, CancellationToken cancellationToken)
    {
        // Read anew: whoever takes an operation over may have seen the payout as it was before an earlier one.
        var payout = await payouts.FindAsync(operation.Operation.PayoutId, cancellationToken)
            ?? throw new InvalidOperationException($"Payout {operation.Operation.PayoutId} has an operation but does not exist.");
        return await GoForwardAsync(operation, payout, nothingDoneYet: false, cancellationToken);
    }

    private static Payout Changed(Payout payout, OperationIntent intent) => intent switch
    {
        ConfirmIntent => payout.Confirm(),
        CancelIntent cancel => payout.Cancel(cancel.Details),
        _ => throw new ArgumentException($"{intent.GetType().Name} does not change an existing payout.", nameof(intent)),
    };

    private async Task<Payout> GoForwardAsync(
        LeasedOperation operation,
        Payout payout,
        bool nothingDoneYet,
        CancellationToken cancellationToken)
    {
        var changed = Changed(payout, operation.Operation.Intent);
        try
        {
            if (operation.Operation.Intent is ConfirmIntent)
                await ledger.CommitAsync(payout.HoldPlan, cancellationToken);
            else if (payout.Status.State == PayoutState.Confirmed)
                await RevertAsync(operation, payout, cancellationToken);
            else
                await ledger.RollbackAsync(payout.HoldPlan, cancellationToken);
        }
        catch (NotDoneException) when (nothingDoneYet)
        {
            await operation.AbandonAsync(spentAttempts: 0);
            throw;
        }
        catch (LedgerRefusedException)
        {
            // A plan that is refused stays refused, so going forward again would never end.
            await operation.AbandonAsync(spentAttempts: 0);
            throw;
        }

        await operation.ApplyAsync(changed, cancellationToken);
        return changed;
    }

    /// <summary>Gives a confirmed payout's money back, by as many plans as it takes until one is committed.</summary>
    private async Task RevertAsync(LeasedOperation operation, Payout payout, CancellationToken cancellationToken)
    {
        var mayHaveBegun = false;
        try
        {
            while (true)
            {
                var plan = payout.RevertPlan(operation.Operation.Attempt);
                LedgerRefusedException? holdRefused = null;
                try
                {
                    await ledger.HoldAsync(plan, cancellationToken);
                }
                catch (LedgerRefusedException e)
                {
                    // Perhaps because the plan is committed already: its commit tells.
                    holdRefused = e;
                }

                mayHaveBegun = true;
                try
                {
                    await ledger.CommitAsync(plan, cancellationToken);
                    return;
                }
                catch (LedgerRefusedException)
                {
                    if (holdRefused is not null && await ledger.FindPlanAsync(plan.Id, cancellationToken) is null)
                        throw holdRefused;
                }

                // Rolled back by somebody else, so this plan's name is spent.
                await operation.AdvanceAsync(operation.Operation.Intent, cancellationToken);
            }
        }
        catch (NotDoneException e) when (mayHaveBegun)
        {
            throw new OutcomeUnknownException($"The revert of payout {payout.Id} is not finished.", e);
        }
    }
}
