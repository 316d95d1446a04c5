using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Operations;

/// <summary>Confirms and cancels payouts: first the ledger, then the payout. What is not finished goes forward.</summary>
internal sealed class StatusChange(
    IPayoutStore payouts,
    StatusChangeRecovery steps,
    OperationLeases leases,
    TimeProvider clock,
    OperationOptions options)
{
    /// <param name="payoutId">The payout, in the caller's words.</param>
    /// <param name="intent">Confirm or cancel.</param>
    /// <param name="actor">Who asks for it.</param>
    /// <param name="cancellationToken">The caller's deadline.</param>
    /// <exception cref="NotFoundException">There is no such payout.</exception>
    /// <exception cref="InvalidPayoutStateException">Its state does not allow the change.</exception>
    public async Task RunAsync(string payoutId, OperationIntent intent, Actor? actor, CancellationToken cancellationToken)
    {
        var finished = false;
        try
        {
            while (await TryRunAsync(payoutId, intent, actor, cancellationToken) is { } other)
            {
                // Whatever it is, it is finished; then this call looks at the payout again.
                await leases.FinishAsync(other, cancellationToken);
                finished = true;
            }
        }
        catch (NotDoneException e) when (finished)
        {
            // Nothing of this call's own was begun. But what it finished may be its caller's earlier try.
            throw new OutcomeUnknownException($"An earlier operation on payout {payoutId} was finished, and this one was not begun.", e);
        }
    }

    /// <returns>Null once the change is made; another operation of the payout that was taken over and has to be finished first.</returns>
    private async Task<Operation?> TryRunAsync(
        string payoutId, OperationIntent intent, Actor? actor, CancellationToken cancellationToken)
    {
        var id = PayoutId.Restore(payoutId);
        var busy = new BusyPayout(id, clock, options);
        while (true)
        {
            var payout = await payouts.FindAsync(id, cancellationToken) ?? throw NotFoundException.Payout(payoutId);
            if (ReferenceEquals(StatusChangeRecovery.Change(payout, intent), payout))
                return null;

            switch (await leases.IntendAsync(id, intent, payout.SequenceId, actor, cancellationToken))
            {
                case Intended.Started started:
                    await leases.BeginAsync(
                        started.Operation,
                        async (operation, token) =>
                        {
                            await steps.GoForwardAsync(operation, payout, token);
                            return true;
                        },
                        cancellationToken);
                    return null;

                case Intended.Occupied { LeaseRanOut: true }:
                    if (await leases.TakeOverAsync(id, ignorePause: true, cancellationToken) is { } taken)
                        return taken;
                    break;

                case Intended.Occupied:
                    await busy.WaitAsync(cancellationToken);
                    break;
            }
        }
    }
}
