using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.CreatePayout;

/// <summary>Creates a payout: hold, look at the balance, apply. What its caller does not finish goes back: <see cref="CreateRecovery"/>.</summary>
internal sealed class CreateOperation(
    PlanMoves moves,
    CreateRecovery recovery,
    OperationLeases leases,
    IPayoutStore payouts,
    TimeProvider clock,
    OperationOptions options)
{
    /// <param name="intent">What to create.</param>
    /// <param name="settlementAccountId">The account that must not be overdrawn.</param>
    /// <param name="actor">Who asks for it.</param>
    /// <param name="cancellationToken">The caller's deadline.</param>
    public async Task<Payout> RunAsync(
        CreateIntent intent, long settlementAccountId, Actor? actor, CancellationToken cancellationToken)
    {
        var payoutId = intent.Payout.Id;
        var busy = new BusyPayout(payoutId, clock, options);
        while (true)
        {
            switch (await leases.IntendAsync(payoutId, intent, expectedSequenceId: null, actor, cancellationToken))
            {
                case Intended.Started started:
                    return await leases.BeginAsync(
                        started.Operation,
                        (operation, token) => started.Operation.PlanWasRefused
                            ? BeginAnewAsync(operation, intent, settlementAccountId, token)
                            : FinishAsync(operation, settlementAccountId, newAttempts: 0, token),
                        cancellationToken);

                case Intended.PayoutMoved:
                case Intended.Occupied { Operation.Intent: not CreateIntent }:
                    throw await AlreadyExistsAsync(intent, cancellationToken);

                case Intended.Occupied { LeaseRanOut: true, Operation: var other }:
                    if (!IsRepeatOf(other, intent))
                        throw new PayoutAlreadyExistsException(payoutId.Value, isSameRequest: false);
                    if (await leases.TakeOverAsync(payoutId, ignorePause: true, cancellationToken) is not { } taken)
                        break;
                    // Another operation may have come in its place meanwhile.
                    if (IsRepeatOf(taken, intent))
                    {
                        return await leases.ContinueAsync(
                            taken,
                            (operation, token) => BeginAnewAsync(operation, intent, settlementAccountId, token),
                            cancellationToken);
                    }

                    await leases.FinishAsync(taken, cancellationToken);
                    break;

                default:
                    await busy.WaitAsync(cancellationToken);
                    break;
            }
        }
    }

    /// <summary>That a payout id is taken, with whether it is by the same request.</summary>
    public async Task<PayoutAlreadyExistsException> AlreadyExistsAsync(
        PayoutId payoutId, PayoutRequest request, CancellationToken cancellationToken)
    {
        string? digest = null;
        try
        {
            digest = await payouts.FindRequestDigestAsync(payoutId, cancellationToken);
        }
        catch (NotDoneException)
        {
            // That the id is taken is certain all the same.
        }

        return new PayoutAlreadyExistsException(payoutId.Value, digest is null ? null : digest == request.Digest());
    }

    private Task<PayoutAlreadyExistsException> AlreadyExistsAsync(CreateIntent intent, CancellationToken cancellationToken) =>
        AlreadyExistsAsync(intent.Payout.Id, intent.Request, cancellationToken);

    private static bool IsRepeatOf(Operation operation, CreateIntent intent) =>
        operation.Intent is CreateIntent create && create.Request == intent.Request;

    /// <summary>
    /// Goes on where another left off, who may still be at work: never with the same plan, and with a new one only once that is spent.
    /// </summary>
    private async Task<Payout> BeginAnewAsync(
        LeasedOperation operation, CreateIntent intent, long settlementAccountId, CancellationToken cancellationToken)
    {
        var answer = await recovery.SpendAsync(operation, cancellationToken)
            ?? throw await AlreadyExistsAsync(intent, cancellationToken);
        if (answer.Verdict != PlanVerdict.Spent)
            await operation.RefuseAsync(answer);
        await operation.AdvanceAsync(intent, cancellationToken);
        return await FinishAsync(operation, settlementAccountId, newAttempts: 1, cancellationToken);
    }

    private async Task<Payout> FinishAsync(
        LeasedOperation operation, long settlementAccountId, int newAttempts, CancellationToken cancellationToken)
    {
        var intent = (CreateIntent)operation.Operation.Intent;
        for (; ; newAttempts++)
        {
            var payout = intent.Payout.HeldBy(operation.Operation.Attempt);
            var (answer, held) = await moves.HoldAsync(operation, payout.HoldPlan, cancellationToken);
            if (answer.Verdict == PlanVerdict.Done)
            {
                await RequireMoneyAsync(operation, intent, settlementAccountId, held, cancellationToken);
                await operation.ApplyAsync(payout, cancellationToken);
                return payout;
            }

            if (answer.Verdict != PlanVerdict.Spent || newAttempts == PlanMoves.MaxNewAttempts)
                await operation.RefuseAsync(answer);
            await operation.AdvanceAsync(intent, cancellationToken);
        }
    }

    /// <summary>Rolls the held plan back and ends the operation where the account is overdrawn, or the ledger does not say.</summary>
    private async Task RequireMoneyAsync(
        LeasedOperation operation, CreateIntent intent, long settlementAccountId, LedgerClock held, CancellationToken cancellationToken)
    {
        var (available, refusal) = await moves.GetMinAvailableAsync(operation, settlementAccountId, held, cancellationToken);
        if (refusal is null && available >= 0)
            return;
        var answer = await recovery.RollbackAsync(operation, cancellationToken)
            ?? throw await AlreadyExistsAsync(intent, cancellationToken);
        if (answer.Verdict != PlanVerdict.Done)
            await operation.RefuseAsync(answer);
        if (refusal is not null)
            await operation.RefuseAsync(new PlanAnswer(PlanVerdict.GivenUp, refusal));
        await operation.EndSpentAsync();
        throw new InsufficientFundsException(
            InsufficientFundsReason.NotEnoughMoney,
            $"Account {settlementAccountId} does not have the money of payout {intent.Payout.Id}.");
    }
}
