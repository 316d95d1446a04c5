using Microsoft.Extensions.Logging;
using PayoutManager.Application.Background;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Telemetry;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Operations;

/// <summary>
/// Takes over operations whose lease has run out and finishes them: confirm and cancel go forward, a create goes back, since nobody
/// was told that it succeeded. Every host does this; the lease decides who gets which.
/// </summary>
public sealed class OperationRecovery
{
    private const int AtATime = 16;

    private readonly IOperationStore _store;
    private readonly OperationLeases _leases;
    private readonly TimeProvider _clock;
    private readonly OperationOptions _options;
    private readonly BackgroundLoops _loops;
    private readonly ILogger<OperationRecovery> _logger;

    internal OperationRecovery(
        IOperationStore store,
        OperationLeases leases,
        TimeProvider clock,
        OperationOptions options,
        BackgroundLoops loops,
        ILogger<OperationRecovery> logger)
    {
        _store = store;
        _leases = leases;
        _clock = clock;
        _options = options;
        _loops = loops;
        _logger = logger;
    }

    /// <summary>Looks for operations at every scan interval until told to stop.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => _loops.RunAsync(
        "recovery",
        async token =>
        {
            // Goes on while there is work, so that a host that died with many operations is recovered in one interval.
            while (await ScanAsync(token) == AtATime)
            {
            }

            return _options.ScanInterval;
        },
        cancellationToken);

    /// <summary>Takes over and finishes what can be found now.</summary>
    /// <returns>How many operations were finished.</returns>
    public async Task<int> ScanAsync(CancellationToken cancellationToken)
    {
        var expired = await _store.ListExpiredAsync(AtATime, cancellationToken);
        var finished = await Task.WhenAll(expired.Select(id => TryRecoverAsync(id, cancellationToken)));
        return finished.Count(done => done);
    }

    private async Task<bool> TryRecoverAsync(PayoutId payoutId, CancellationToken cancellationToken)
    {
        Operation? operation = null;
        try
        {
            operation = await _leases.TakeOverAsync(payoutId, cancellationToken);
            if (operation is null)
                return false;
            using var span = PayoutTelemetry.Source.StartActivity($"Recover {PayoutTelemetry.KindOf(operation.Intent)}");
            span?.SetTag("payout.id", payoutId.Value);
            await FinishAsync(operation, cancellationToken);
            PayoutTelemetry.Recovered(operation.Intent, finished: true);
            OperationLog.Recovered(
                _logger, operation.Intent.GetType().Name, payoutId.Value, operation.Attempt, operation.Actor?.Name);
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // One operation that cannot be finished must not keep the others waiting.
            if (operation is not null)
                PayoutTelemetry.Recovered(operation.Intent, finished: false);
            var intent = operation?.Intent.GetType().Name ?? "(not taken over)";
            OperationLog.NotRecovered(
                _logger, intent, payoutId.Value, operation?.Attempt ?? 0, Explanation.Of(e), Explanation.StackOf(e));
            return false;
        }
    }

    private async Task FinishAsync(Operation operation, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_options.LeaseDuration, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        await _leases.FinishAsync(operation, either.Token);
    }
}
