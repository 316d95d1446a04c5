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
        CancellationToken cancellationToken) =>
        store.IntendAsync(
            payoutId, intent, expectedSequenceId, Operation.NewOwner(), options.LeaseDuration, cancellationToken);

    /// <inheritdoc cref="IOperationStore.TakeOverAsync"/>
    public Task<Operation?> TakeOverAsync(PayoutId payoutId, CancellationToken cancellationToken) =>
        store.TakeOverAsync(payoutId, Operation.NewOwner(), options.LeaseDuration, cancellationToken);

    /// <summary>
    /// Does the work under a lease that is renewed meanwhile. Work that ends before the operation does leaves it to
    /// whoever comes first.
    /// </summary>
    /// <exception cref="OutcomeUnknownException">The work ran out of time, or the operation was taken over.</exception>
    public async Task<T> WorkAsync<T>(
        Operation operation,
        Func<LeasedOperation, CancellationToken, Task<T>> work,
        CancellationToken cancellationToken)
    {
        var leased = new LeasedOperation(operation, store, relay, clock, options);
        using var working = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var renewing = new CancellationTokenSource();
        var renewal = RenewAsync(leased, working, renewing.Token);
        try
        {
            return await work(leased, working.Token);
        }
        catch (LedgerRefusedException e)
        {
            OperationLog.PlanRefused(logger, e.PlanId, operation.PayoutId.Value, e.Message);
            throw;
        }
        catch (Exception e) when (!leased.Ended)
        {
            await leased.ReleaseAsync();
            if (e is OperationCanceledException or NotDoneException)
                throw new OutcomeUnknownException(
                    $"The operation on payout {operation.PayoutId} is not finished; it goes on by itself.", e);
            throw;
        }
        finally
        {
            renewing.Cancel();
            await renewal;
        }
    }

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
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is NotDoneException or OutcomeUnknownException)
            {
                if (clock.GetElapsedTime(renewedAt) >= options.LeaseDuration)
                    break;
            }
        }

        // Ours no longer. Going on would be harmless, since nothing can be applied, but also pointless. Where the work is over,
        // there is nobody to hear it.
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
