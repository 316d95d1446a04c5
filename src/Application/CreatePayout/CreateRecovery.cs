using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;

namespace PayoutManager.Application.CreatePayout;

/// <summary>
/// The way back of a create: its plan is spent, so that it can never hold money again. Nobody was told that it succeeded.
/// </summary>
internal sealed class CreateRecovery(PlanMoves moves, IPayoutStore payouts) : IOperationKind
{
    public bool Covers(OperationIntent intent) => intent is CreateIntent;

    public async Task RecoverAsync(LeasedOperation operation, CancellationToken cancellationToken)
    {
        if (await SpendAsync(operation, cancellationToken) is not { } answer)
            return;
        if (answer.Verdict != PlanVerdict.Spent)
            await operation.RefuseAsync(answer);
        await operation.EndSpentAsync();
    }

    /// <summary>Spends the latest attempt's plan.</summary>
    /// <returns>
    /// Spent or Refused; null where a stored payout stands on that plan, so that it is left alone and the operation is removed.
    /// </returns>
    public async Task<PlanAnswer?> SpendAsync(LeasedOperation operation, CancellationToken cancellationToken) =>
        await IsTakenAsync(operation, cancellationToken)
            ? null
            : await moves.SpendAsync(operation, PlanOf(operation), cancellationToken);

    /// <summary>Rolls the latest attempt's plan back, which this operation has just held.</summary>
    /// <returns>Done or Refused; null as <see cref="SpendAsync"/>.</returns>
    public async Task<PlanAnswer?> RollbackAsync(LeasedOperation operation, CancellationToken cancellationToken) =>
        await IsTakenAsync(operation, cancellationToken)
            ? null
            : await moves.RollbackAsync(operation, PlanOf(operation), cancellationToken);

    private async Task<bool> IsTakenAsync(LeasedOperation operation, CancellationToken cancellationToken)
    {
        var stored = await payouts.FindAsync(operation.Operation.PayoutId, cancellationToken);
        if (stored?.HoldAttempt != operation.Operation.Attempt)
            return false;
        await operation.ForgetAsync();
        return true;
    }

    private static LedgerPlan PlanOf(LeasedOperation operation) =>
        ((CreateIntent)operation.Operation.Intent).Payout.HeldBy(operation.Operation.Attempt).HoldPlan;
}
