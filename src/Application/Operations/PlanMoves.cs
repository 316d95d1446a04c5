using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;

namespace PayoutManager.Application.Operations;

/// <summary>What has become of a plan, and what follows for the operation.</summary>
internal enum PlanVerdict
{
    /// <summary>The plan is as it was to be. The operation goes on.</summary>
    Done,

    /// <summary>The plan is rolled back, so its name is spent. The next attempt may follow.</summary>
    Spent,

    /// <summary>
    /// The ledger accepts nothing about the plan: it is committed, or was never acceptable. The operation ends, and its attempt is not
    /// spent: another plan might pay twice.
    /// </summary>
    Refused,

    /// <summary>The ledger held the plan and refused to commit it, so it was rolled back. The operation ends; the attempt is spent.</summary>
    GivenUp,
}

/// <summary>A verdict with what it rests on.</summary>
/// <param name="Verdict">What has become of the plan.</param>
/// <param name="Refusal">What the ledger refused; null where it refused nothing.</param>
internal readonly record struct PlanAnswer(PlanVerdict Verdict, LedgerRefusedException? Refusal = null);

/// <summary>What makes ledger calls, and is told whether one may have had an effect.</summary>
internal interface ILedgerCaller
{
    /// <summary>Whether a ledger call may have had an effect.</summary>
    bool MayHaveActed { get; set; }
}

/// <summary>
/// The ledger calls of operations and of the audit: what each answer means and what follows. The only place that decides it.
/// </summary>
/// <remarks>
/// <code>
/// | step                        | refused twice means                                                                    |
/// |-----------------------------|----------------------------------------------------------------------------------------|
/// | HoldAsync                   | Rollback ok: rolled back before → Spent. Refused: committed, or never acceptable → Refused |
/// | SpendAsync: Hold, Rollback  | Rollback ok, whatever Hold said → Spent. Refused → Refused                              |
/// | CommitAsync, RollbackAsync  | somebody else moved the plan → Refused                                                  |
/// | RevertAsync: Hold, Commit   | Commit ok, whatever Hold said → Done.                                                   |
/// |                             | Hold ok, Commit refused: Rollback → GivenUp. Both refused: Rollback ok → Spent, else Refused |
/// | GetMinAvailableAsync        | roll back and end, as with too little money                                             |
/// | HoldAgainAsync (the audit)  | the plan is final, gone or has other postings → Refused                                 |
/// </code>
/// Every call is made once more before a refusal counts. Calls are idempotent, so a plan that was refused twice is not in the state
/// that was asked for and cannot get there by itself. No decision rests on GetPlan, which the deployed ledger never answers, or on
/// the words of a refusal. Whatever is neither success nor refusal is thrown on; see <see cref="ILedger"/>.
/// </remarks>
internal sealed class PlanMoves(ILedger ledger)
{
    /// <summary>How often an operation may go on with another attempt because its plan was found spent.</summary>
    public const int MaxNewAttempts = 3;

    /// <summary>How many reverts one operation tries.</summary>
    public const int MaxReverts = 3;

    /// <summary>Holds the plan of a create.</summary>
    /// <returns>Done, with the ledger's clock after the hold; Spent; or Refused.</returns>
    public async Task<(PlanAnswer Answer, LedgerClock Clock)> HoldAsync(
        ILedgerCaller caller, LedgerPlan plan, CancellationToken cancellationToken)
    {
        var clock = new LedgerClock(null);
        var refusal = await MakeAsync(caller, async () => clock = await ledger.HoldAsync(plan, cancellationToken));
        return (refusal is null ? new PlanAnswer(PlanVerdict.Done) : await FindSpentAsync(caller, plan, refusal, cancellationToken), clock);
    }

    /// <summary>
    /// Makes sure that a create's plan can never again hold money. Holding it first is what does that: a delayed hold of a plan that is
    /// rolled back is refused, but one of a plan that the ledger has not seen would succeed.
    /// </summary>
    /// <returns>Spent or Refused.</returns>
    public async Task<PlanAnswer> SpendAsync(ILedgerCaller caller, LedgerPlan plan, CancellationToken cancellationToken)
    {
        var refusal = await MakeAsync(caller, () => ledger.HoldAsync(plan, cancellationToken));
        return await FindSpentAsync(caller, plan, refusal, cancellationToken);
    }

    /// <summary>Holds a plan that is held already as far as anybody knows. A refusal moves nothing.</summary>
    /// <returns>Done or Refused.</returns>
    public async Task<PlanAnswer> HoldAgainAsync(LedgerPlan plan, CancellationToken cancellationToken) =>
        Sort(await MakeAsync(null, () => ledger.HoldAsync(plan, cancellationToken)));

    /// <summary>Moves a held plan's money for good.</summary>
    /// <param name="caller">The operation or the repair; null for a question of the audit.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Done or Refused.</returns>
    public async Task<PlanAnswer> CommitAsync(ILedgerCaller? caller, LedgerPlan plan, CancellationToken cancellationToken) =>
        Sort(await MakeAsync(caller, () => ledger.CommitAsync(plan, cancellationToken)));

    /// <summary>Gives a held plan's money back for good.</summary>
    /// <inheritdoc cref="CommitAsync" path="/param"/>
    /// <returns>Done or Refused.</returns>
    public async Task<PlanAnswer> RollbackAsync(ILedgerCaller? caller, LedgerPlan plan, CancellationToken cancellationToken) =>
        Sort(await MakeAsync(caller, () => ledger.RollbackAsync(plan, cancellationToken)));

    /// <summary>Gives a confirmed payout's money back by one plan.</summary>
    /// <inheritdoc cref="CommitAsync" path="/param"/>
    /// <returns>Done, Spent, GivenUp or Refused.</returns>
    public async Task<PlanAnswer> RevertAsync(ILedgerCaller? caller, LedgerPlan plan, CancellationToken cancellationToken)
    {
        var holdRefusal = await MakeAsync(caller, () => ledger.HoldAsync(plan, cancellationToken));
        if (await MakeAsync(caller, () => ledger.CommitAsync(plan, cancellationToken)) is not { } commitRefusal)
            return new PlanAnswer(PlanVerdict.Done);
        var found = await FindSpentAsync(caller, plan, holdRefusal ?? commitRefusal, cancellationToken);
        return holdRefusal is null && found.Verdict == PlanVerdict.Spent ? found with { Verdict = PlanVerdict.GivenUp } : found;
    }

    /// <summary>What an account has when everything held out of it has left, in minor units; with a refusal, that does not count.</summary>
    public async Task<(long Available, LedgerRefusedException? Refusal)> GetMinAvailableAsync(
        ILedgerCaller caller, long accountId, LedgerClock clock, CancellationToken cancellationToken)
    {
        var available = 0L;
        var refusal = await MakeAsync(
            caller,
            async () => available = await ledger.GetMinAvailableAmountAsync(accountId, clock, cancellationToken));
        return (available, refusal);
    }

    private async Task<PlanAnswer> FindSpentAsync(
        ILedgerCaller? caller, LedgerPlan plan, LedgerRefusedException? refusal, CancellationToken cancellationToken) =>
        await MakeAsync(caller, () => ledger.RollbackAsync(plan, cancellationToken)) is { } rollbackRefusal
            ? new PlanAnswer(PlanVerdict.Refused, refusal ?? rollbackRefusal)
            : new PlanAnswer(PlanVerdict.Spent, refusal);

    private static PlanAnswer Sort(LedgerRefusedException? refusal) =>
        refusal is null ? new PlanAnswer(PlanVerdict.Done) : new PlanAnswer(PlanVerdict.Refused, refusal);

    /// <summary>Makes a call, once more where it is refused, and notes with its caller whether it may have had an effect.</summary>
    /// <returns>The refusal; null where the call succeeded.</returns>
    private static async Task<LedgerRefusedException?> MakeAsync(ILedgerCaller? caller, Func<Task> call)
    {
        LedgerRefusedException? refusal = null;
        while (true)
        {
            try
            {
                await call();
                caller?.MayHaveActed = true;
                return null;
            }
            catch (LedgerRefusedException e)
            {
                caller?.MayHaveActed |= e.EarlierTryMayBeDone;
                if (refusal is not null)
                    return refusal;
                refusal = e;
            }
            catch (Exception e) when (e is not NotDoneException)
            {
                caller?.MayHaveActed = true;
                throw;
            }
        }
    }
}
