using PayoutManager.Host.Configuration;
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
/// that they need is stopped. And the last: says that it has stopped.
/// </summary>
internal sealed class Draining(
    CallGate gate,
    HostEnd end,
    Endpoints endpoints,
    HealthWatch health,
    ShutdownOptions options,
    TimeProvider clock,
    ILogger<Draining> logger) : IHostedLifecycleService
{
    private long? _startedAt;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // A start that has failed has let nobody in.
        if (_startedAt is null)
            return;
        end.Tell();
        health.Stopping();
        await Task.Delay(options.Delay, clock, cancellationToken);
        var finished = gate.CloseAsync();
        await Task.WhenAny(finished, Task.Delay(options.Drain, clock, cancellationToken));
        if (!finished.IsCompleted)
        {
            HostLog.EndsCalls(logger, options.Drain);
            gate.EndCalls();
            await finished.WaitAsync(cancellationToken);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _startedAt = clock.GetTimestamp();
        HostLog.Listens(logger, endpoints.AddressOf(HostSettings.ThriftEndpoint), endpoints.AddressOf(HostSettings.ManagementEndpoint));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (_startedAt is { } startedAt)
            HostLog.Stopped(logger, gate.Served, TimeSpan.FromSeconds(Math.Floor(clock.GetElapsedTime(startedAt).TotalSeconds)));
        return Task.CompletedTask;
    }
}
