using PayoutManager.Application.Events;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Telemetry;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Operations;

/// <summary>An operation while it is ours, and the ways in which it can end.</summary>
internal sealed class LeasedOperation(
    Operation operation,
    IOperationStore store,
    RelaySignal relay,
    TimeProvider clock,
    OperationOptions options)
{
    public Operation Operation { get; private set; } = operation;

    /// <summary>Whether the operation is over, so that nobody needs to take it up again.</summary>
    public bool Ended { get; private set; }

    /// <summary>Stores the payout as it now is, with its event.</summary>
    public async Task ApplyAsync(Payout payout, CancellationToken cancellationToken)
    {
        var change = PayoutEvent.OfLatestChange(payout, clock.GetUtcNow());
        if (!await store.ApplyAsync(Operation, change, cancellationToken))
            throw TakenOver();
        Ended = true;
        relay.Set();
        PayoutTelemetry.Applied(payout.Status);
    }

    /// <summary>
    /// Ends the operation without effect; false if that could not be written, so that somebody else will take it up.
    /// </summary>
    /// <param name="spentAttempts">How many attempts' plans must never be used again.</param>
    public async Task<bool> AbandonAsync(int spentAttempts)
    {
        using var closing = new CancellationTokenSource(options.ClosingTime, clock);
        try
        {
            Ended = await store.AbandonAsync(Operation, spentAttempts, closing.Token);
        }
        catch (Exception e) when (e is NotDoneException or OutcomeUnknownException or OperationCanceledException)
        {
            // The lease runs out and recovery ends it.
        }

        return Ended;
    }

    /// <summary>Goes on as another attempt, because this one's plan is spent.</summary>
    public async Task AdvanceAsync(OperationIntent intent, CancellationToken cancellationToken) =>
        Operation = await store.AdvanceAsync(Operation, intent, cancellationToken) ?? throw TakenOver();

    /// <summary>Lets anybody go on with it at once instead of after the lease.</summary>
    public async Task ReleaseAsync()
    {
        using var closing = new CancellationTokenSource(options.ClosingTime, clock);
        try
        {
            await store.ReleaseAsync(Operation, closing.Token);
        }
        catch (Exception e) when (e is NotDoneException or OutcomeUnknownException or OperationCanceledException)
        {
            // Then it is taken over when the lease has run out.
        }
    }

    private OutcomeUnknownException TakenOver() =>
        new($"The operation on payout {Operation.PayoutId} was taken over while it was carried out.");
}
