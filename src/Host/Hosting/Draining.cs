using PayoutManager.Host.Management;
using PayoutManager.Woody.Server;

namespace PayoutManager.Host.Hosting;

/// <summary>How a host stops.</summary>
internal sealed record ShutdownOptions
{
    /// <summary>
    /// How long calls are still let in once readiness has turned false, for those who have not noticed yet. Default 0.
    /// </summary>
    public TimeSpan Delay { get; init; }

    /// <summary>How long calls in flight may take to finish. Default 15 s.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long the whole may take: calls that were ended answer, and the relay hands over.</summary>
    public TimeSpan Total => Delay + Drain + TimeSpan.FromSeconds(10);
}

/// <summary>
/// The first thing on the way down: says that this host is not ready any more, and lets its calls finish before anything
/// that they need is stopped.
/// </summary>
internal sealed class Draining(
    CallGate gate,
    HealthWatch health,
    ShutdownOptions options,
    TimeProvider clock,
    ILogger<Draining> logger) : IHostedLifecycleService
{
    private bool _hasStarted;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // A start that has failed has let nobody in.
        if (!_hasStarted)
            return;
        health.Stopping();
        await Task.Delay(options.Delay, clock, cancellationToken);
        var finished = gate.CloseAsync();
        await Task.WhenAny(finished, Task.Delay(options.Drain, clock, cancellationToken));
        if (!finished.IsCompleted)
        {
            DrainingLog.EndsCalls(logger, options.Drain);
            gate.EndCalls();
            await finished.WaitAsync(cancellationToken);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _hasStarted = true;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

internal static partial class DrainingLog
{
    [LoggerMessage(101, LogLevel.Warning, "Calls that have not finished within {Drain} are ended; their operations go on by themselves")]
    public static partial void EndsCalls(ILogger logger, TimeSpan drain);
}
