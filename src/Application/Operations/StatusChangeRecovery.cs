using Microsoft.Extensions.Logging;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Operations;

/// <summary>The way forward of confirm and cancel: the ledger's calls are made, again where need be, and the payout follows.</summary>
internal sealed class StatusChangeRecovery(IPayoutStore payouts, PlanMoves moves, ILogger<StatusChangeRecovery> logger) : IOperationKind
{
    public bool Covers(OperationIntent intent) => intent is ConfirmIntent or CancelIntent;

    public async Task RecoverAsync(LeasedOperation operation, CancellationToken cancellationToken)
    {
        // Read anew: whoever takes an operation over may have seen the payout as it was before an earlier one.
        var payout = await payouts.FindAsync(operation.Operation.PayoutId, cancellationToken);
        if (WhyNothingIsLeft(payout, operation.Operation.Intent) is { } reason)
        {
            OperationLog.NothingLeft(logger, operation.Operation.Intent.GetType().Name, operation.Operation.PayoutId.Value, operation.Operation.Actor?.Name, reason);
            await operation.ForgetAsync();
            return;
        }

        await GoForwardAsync(operation, payout!, cancellationToken);
    }

    /// <summary>The payout as it is once an intent is carried out; the same object where there is nothing to do.</summary>
    /// <exception cref="InvalidPayoutStateException">The payout's state does not allow it.</exception>
    public static Payout Change(Payout payout, OperationIntent intent) => intent switch
    {
        ConfirmIntent => payout.Confirm(),
        CancelIntent cancel => payout.Cancel(cancel.Details),
        _ => throw new ArgumentException($"{intent.GetType().Name} does not change an existing payout.", nameof(intent)),
    };

    /// <summary>Carries out an operation on the payout as it is.</summary>
    public async Task GoForwardAsync(LeasedOperation operation, Payout payout, CancellationToken cancellationToken)
    {
        operation.ExpectedSequenceId = payout.SequenceId;
        var changed = Change(payout, operation.Operation.Intent);
        if (operation.Operation.Intent is ConfirmIntent)
            await RequireAsync(operation, await moves.CommitAsync(operation, payout.HoldPlan, cancellationToken));
        else if (payout.Status.State == PayoutState.Confirmed)
            await RevertAsync(operation, payout, cancellationToken);
        else
            await RequireAsync(operation, await moves.RollbackAsync(operation, payout.HoldPlan, cancellationToken));
        await operation.ApplyAsync(changed, cancellationToken);
    }

    /// <summary>Gives a confirmed payout's money back, by the first plan that is not spent.</summary>
    private async Task RevertAsync(LeasedOperation operation, Payout payout, CancellationToken cancellationToken)
    {
        for (var reverts = 1; ; reverts++)
        {
            var answer = await moves.RevertAsync(operation, payout.RevertPlan(operation.Operation.Attempt), cancellationToken);
            if (answer.Verdict == PlanVerdict.Done)
                return;
            if (answer.Verdict != PlanVerdict.Spent || reverts == PlanMoves.MaxReverts)
                await operation.RefuseAsync(answer);
            await operation.AdvanceAsync(operation.Operation.Intent, cancellationToken);
        }
    }

    /// <summary>Somebody else moved a plan that was refused, so going forward again would never end.</summary>
    private static Task RequireAsync(LeasedOperation operation, PlanAnswer answer) =>
        answer.Verdict == PlanVerdict.Done ? Task.CompletedTask : operation.RefuseAsync(answer);

    /// <summary>Only rows that were changed by hand leave nothing to do.</summary>
    private static string? WhyNothingIsLeft(Payout? payout, OperationIntent intent)
    {
        if (payout is null)
            return "there is no such payout";
        try
        {
            return ReferenceEquals(Change(payout, intent), payout) ? $"the payout is {payout.Status} already" : null;
        }
        catch (InvalidPayoutStateException e)
        {
            return e.Message;
        }
    }
}
