using Microsoft.Extensions.Logging;
using PayoutManager.Application.Events;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Telemetry;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Operations;

/// <summary>An operation while it is ours, and the ways in which it can end.</summary>
/// <param name="operation">The operation as it was written down or taken over.</param>
/// <param name="isNew">Whether this is its first drive, so that no ledger call of it has been made before.</param>
/// <param name="store">Where operations are kept.</param>
/// <param name="relay">Is told of new events.</param>
/// <param name="clock">Stamps events.</param>
/// <param name="options">How long the last writes may take.</param>
/// <param name="logger">Is told of what the caller is not.</param>
/// <param name="callersTime">When it is over, the last writes go on behind the caller's back.</param>
internal sealed class LeasedOperation(
    Operation operation,
    bool isNew,
    IOperationStore store,
    RelaySignal relay,
    TimeProvider clock,
    OperationOptions options,
    ILogger logger,
    CancellationToken callersTime) : ILedgerCaller
{
    // How long an answer that is due waits for the last writes.
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan ReopenPause = TimeSpan.FromMilliseconds(200);

    public Operation Operation { get; private set; } = operation;

    /// <summary>The sequence id of the payout that a confirm or a cancel changes; null for a create.</summary>
    public int? ExpectedSequenceId { get; set; }

    /// <summary>Whether the operation is over, so that nobody needs to take it up again.</summary>
    public bool Ended { get; private set; }

    /// <summary>
    /// Whether its result is being stored. A lease that cannot be renewed then may just be that of an operation that has ended.
    /// </summary>
    public bool IsApplying { get; private set; }

    /// <inheritdoc/>
    public bool MayHaveActed { get; set; } = !isNew;

    /// <summary>Stores the payout as it now is, with its event.</summary>
    /// <exception cref="OutcomeUnknownException">The operation was taken over, or it is not known whether this was written.</exception>
    public async Task ApplyAsync(Payout payout, CancellationToken cancellationToken)
    {
        var change = PayoutEvent.OfLatestChange(payout, clock.GetUtcNow());
        IsApplying = true;
        if (!await store.ApplyAsync(Operation, change, cancellationToken))
            throw TakenOver();
        Ended = true;
        try
        {
            relay.Set();
            PayoutTelemetry.Applied(payout.Status);
        }
        catch (Exception e)
        {
            // The change is stored: whatever listens to measurements must not turn that into a failure.
            OperationLog.NotTold(logger, Operation.PayoutId.Value, e);
        }
    }

    /// <summary>Ends the operation, whose latest attempt's plan has been rolled back, so that its name must never be used again.</summary>
    /// <remarks>Where that cannot be written, the operation has not ended and recovery takes it up.</remarks>
    public Task EndSpentAsync() => LeaveAsync(new AttemptNote(Operation.Attempt));

    /// <summary>Ends the operation, of whose latest attempt the ledger has heard nothing.</summary>
    /// <inheritdoc cref="EndSpentAsync" path="/remarks"/>
    public Task EndUnusedAsync() => LeaveAsync(AsItWasBefore(Operation));

    /// <summary>Ends the operation because there is nothing left for it to do.</summary>
    public Task ForgetAsync() => AbandonAsync(AttemptNote.None);

    /// <summary>Ends the operation because the ledger refused its plan. Throws the refusal.</summary>
    public async Task RefuseAsync(PlanAnswer answer)
    {
        var refusal = answer.Refusal ?? throw new ArgumentException("Nothing was refused.", nameof(answer));
        OperationLog.PlanRefused(
            logger, refusal.PlanId, Operation.PayoutId.Value, PayoutTelemetry.KindOf(Operation.Intent), Operation.Actor?.Name, refusal.Message);
        PayoutTelemetry.PlanRefused(Operation.Intent);
        await (answer.Verdict is PlanVerdict.Spent or PlanVerdict.GivenUp
            ? EndSpentAsync()
            : LeaveAsync(new AttemptNote(Operation.Attempt - 1, NextWasRefused: Operation.Intent is CreateIntent)));
        throw refusal;
    }

    /// <summary>Goes on as another attempt, because this one's plan is spent.</summary>
    /// <exception cref="OutcomeUnknownException">The operation was taken over, or it is not known whether this was written.</exception>
    public async Task AdvanceAsync(OperationIntent intent, CancellationToken cancellationToken) =>
        Operation = await store.AdvanceAsync(Operation, intent, cancellationToken) ?? throw TakenOver();

    /// <summary>
    /// Lets anybody go on with it at once instead of after the lease. If it is not there any more, somebody else has ended it while this
    /// owner slept, and a call of this owner may have taken effect since: then it is written down again, so that recovery looks.
    /// </summary>
    /// <param name="failure">Why it was not finished.</param>
    public Task ReleaseAsync(FailedTry failure) => TryAsync(async token =>
        await store.ReleaseAsync(Operation, failure, token) || (MayHaveActed && await ReopenAsync(failure, token)));

    /// <summary>What is to be remembered of an operation that has used nothing.</summary>
    private static AttemptNote AsItWasBefore(Operation operation) => new(operation.Attempt - 1, operation.PlanWasRefused);

    private async Task<bool> ReopenAsync(FailedTry failure, CancellationToken cancellationToken)
    {
        while (true)
        {
            switch (await store.IntendAsync(
                Operation.PayoutId, Operation.Intent, ExpectedSequenceId, Operation.NewOwner(), Operation.Actor, options.LeaseDuration, cancellationToken))
            {
                case Intended.Started { Operation: var again } when again.Attempt == Operation.Attempt:
                    OperationLog.Reopened(logger, Operation.PayoutId.Value, PayoutTelemetry.KindOf(Operation.Intent), Operation.Actor?.Name);
                    return await store.ReleaseAsync(again, failure, cancellationToken);

                case Intended.Started { Operation: var later }:
                    // Its own plan is spent.
                    return await store.AbandonAsync(later, AsItWasBefore(later), cancellationToken);

                case Intended.Occupied { Operation: var other } when other.Attempt > Operation.Attempt:
                case Intended.PayoutMoved:
                    return false;

                default:
                    await Task.Delay(ReopenPause, clock, cancellationToken);
                    break;
            }
        }
    }

    private Task LeaveAsync(AttemptNote note) =>
        // Nobody can ask for an id of ours again.
        AbandonAsync(Operation.Intent is CreateIntent { IdIsOurs: true } ? AttemptNote.None : note);

    private async Task AbandonAsync(AttemptNote note) =>
        Ended = await TryAsync(token => store.AbandonAsync(Operation, note, token));

    /// <summary>
    /// One of the last writes, which have their own time. What fails, or is not known to be done when the caller has to be answered, is
    /// left to the lease and to recovery.
    /// </summary>
    private async Task<bool> TryAsync(Func<CancellationToken, Task<bool>> write)
    {
        var written = WriteAsync();
        try
        {
            return await written.WaitAsync(callersTime);
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAny(written, Task.Delay(Grace, clock, CancellationToken.None));
            return written.IsCompleted && await written;
        }

        async Task<bool> WriteAsync()
        {
            using var closing = new CancellationTokenSource(options.ClosingTime, clock);
            try
            {
                return await write(closing.Token);
            }
            catch (Exception e)
            {
                OperationLog.NotClosed(logger, Operation.PayoutId.Value, Operation.Actor?.Name, Explanation.Of(e), Explanation.StackOf(e));
                return false;
            }
        }
    }

    private OutcomeUnknownException TakenOver() =>
        new($"The operation on payout {Operation.PayoutId} was taken over while it was carried out.");
}
