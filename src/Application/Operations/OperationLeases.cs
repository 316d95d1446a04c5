using Microsoft.Extensions.Logging;
using PayoutManager.Application.Events;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Operations;

/// <summary>
/// Makes an operation ours, keeps it so for as long as we work on it, and hands it over when we stop half-way.
/// </summary>
internal sealed class OperationLeases(
    IOperationStore store,
    OperationKinds kinds,
    RelaySignal relay,
    TimeProvider clock,
    OperationOptions options,
    ILogger<OperationLeases> logger)
{
    /// <inheritdoc cref="IOperationStore.IntendAsync"/>
    public Task<Intended> IntendAsync(
        PayoutId payoutId,
        OperationIntent intent,
        int? expectedSequenceId,
        Actor? actor,
        CancellationToken cancellationToken) =>
        ClosedAsync(store.IntendAsync(
            payoutId, intent, expectedSequenceId, Operation.NewOwner(), actor, options.LeaseDuration, cancellationToken));

    /// <inheritdoc cref="IOperationStore.TakeOverAsync"/>
    public Task<Operation?> TakeOverAsync(PayoutId payoutId, bool ignorePause, CancellationToken cancellationToken) =>
        ClosedAsync(store.TakeOverAsync(payoutId, Operation.NewOwner(), options.LeaseDuration, ignorePause, cancellationToken));

    /// <summary>Carries out an operation that was just written down. <inheritdoc cref="RunAsync" path="/summary"/></summary>
    /// <inheritdoc cref="RunAsync"/>
    public Task<T> BeginAsync<T>(
        Operation operation, Func<LeasedOperation, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        RunAsync(operation, isNew: true, work, NotCounted, cancellationToken);

    /// <summary>Carries on with an operation that was taken over. <inheritdoc cref="RunAsync" path="/summary"/></summary>
    /// <inheritdoc cref="RunAsync"/>
    public Task<T> ContinueAsync<T>(
        Operation operation, Func<LeasedOperation, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        RunAsync(operation, isNew: false, work, NotCounted, cancellationToken);

    /// <summary>
    /// Finishes an operation that was taken over, whatever its kind. That the ledger refused it is logged and is no concern of whoever
    /// finishes it.
    /// </summary>
    /// <exception cref="OutcomeUnknownException">The operation has not ended; recovery tries again.</exception>
    public Task FinishAsync(Operation taken, CancellationToken cancellationToken) =>
        FinishAsync(taken, NotCounted, cancellationToken);

    /// <inheritdoc cref="FinishAsync(Operation, CancellationToken)"/>
    /// <param name="taken">The operation.</param>
    /// <param name="judge">What to store of a failure.</param>
    /// <param name="cancellationToken">Ends the try.</param>
    public async Task FinishAsync(Operation taken, Func<Exception, Task<FailedTry>> judge, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(
                taken,
                isNew: false,
                async (operation, token) =>
                {
                    await kinds.RecoverAsync(operation, token);
                    return operation.Ended ? true : throw new OutcomeUnknownException("Its end could not be stored.");
                },
                judge,
                cancellationToken);
        }
        catch (LedgerRefusedException)
        {
            // It has ended without effect.
        }
    }

    /// <summary>
    /// Does the work under a lease that is renewed meanwhile. Outcomes are closed by default: what the work throws is passed on only
    /// where the operation has ended; otherwise nobody can say whether it had an effect.
    /// </summary>
    /// <exception cref="NotDoneException">No ledger call had an effect, and the operation is removed.</exception>
    /// <exception cref="OutcomeUnknownException">The operation has not ended; recovery finishes it.</exception>
    private async Task<T> RunAsync<T>(
        Operation operation,
        bool isNew,
        Func<LeasedOperation, CancellationToken, Task<T>> work,
        Func<Exception, Task<FailedTry>> judge,
        CancellationToken cancellationToken)
    {
        var leased = new LeasedOperation(operation, isNew, store, relay, clock, options, logger, cancellationToken);
        using var working = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var renewing = new CancellationTokenSource();
        var renewal = RenewAsync(leased, working, renewing.Token);
        try
        {
            return await work(leased, working.Token);
        }
        catch (Exception e) when (!leased.Ended)
        {
            if (!leased.MayHaveActed)
                await leased.EndUnusedAsync();
            if (leased.Ended)
                throw e as NotDoneException ?? new NotDoneException($"The operation on payout {operation.PayoutId} was not begun.", e);
            await leased.ReleaseAsync(await judge(e));
            if (Explanation.StackOf(e) is { } unexpected)
                OperationLog.Unexpected(logger, operation.PayoutId.Value, operation.Actor?.Name, Explanation.Of(e), unexpected);
            throw new OutcomeUnknownException(
                $"The operation on payout {operation.PayoutId} is not finished; it goes on by itself.", e);
        }
        finally
        {
            renewing.Cancel();
            await renewal;
        }
    }

    /// <summary>A caller's failure does not keep recovery from trying at once.</summary>
    private static Task<FailedTry> NotCounted(Exception e) => Task.FromResult(new FailedTry(Explanation.Of(e), Pause: null));

    /// <summary>What fails without proof that nothing was written may have been written.</summary>
    private static async Task<T> ClosedAsync<T>(Task<T> write)
    {
        try
        {
            return await write;
        }
        catch (Exception e) when (e is not (NotDoneException or OutcomeUnknownException))
        {
            throw new OutcomeUnknownException("The database failed in a way that nobody expected.", e);
        }
    }

    /// <summary>Renews the lease until told to stop. Never throws: the work may succeed without it.</summary>
    private async Task RenewAsync(
        LeasedOperation leased,
        CancellationTokenSource working,
        CancellationToken cancellationToken)
    {
        var renewedAt = clock.GetTimestamp();
        while (await PassAsync(options.LeaseDuration / 3, cancellationToken))
        {
            var asked = clock.GetTimestamp();
            try
            {
                if (!await store.RenewAsync(leased.Operation, options.LeaseDuration, cancellationToken))
                    break;
                renewedAt = asked;
            }
            catch (Exception e)
            {
                if (cancellationToken.IsCancellationRequested)
                    return;
                OperationLog.NotRenewed(
                    logger, leased.Operation.PayoutId.Value, leased.Operation.Actor?.Name, Explanation.Of(e), Explanation.StackOf(e));
                if (clock.GetElapsedTime(renewedAt) >= options.LeaseDuration)
                    break;
            }
        }

        // Ours no longer. Going on would be harmless, since nothing can be applied, but also pointless. What is being applied is let be:
        // it may be the reason why there is nothing to renew.
        if (!leased.IsApplying)
            working.Cancel();
    }

    /// <summary>Lets a time pass; false if it was cut short, as it nearly always is, and without the cost of an exception.</summary>
    private async Task<bool> PassAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        await Task.Delay(time, clock, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return !cancellationToken.IsCancellationRequested;
    }
}
