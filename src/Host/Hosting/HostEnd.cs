using System.Runtime.InteropServices;
using PayoutManager.Host.Commands;

namespace PayoutManager.Host.Hosting;

/// <summary>Remembers why the host ends. Unless a signal asked for it, its end is a failure.</summary>
internal sealed class HostEnd(IHostApplicationLifetime lifetime, ILogger<HostEnd> logger)
{
    private readonly Lock _lock = new();
    private ExitCode? _exit;
    private string? _signal;

    /// <summary>How the host has ended.</summary>
    public ExitCode Exit
    {
        get
        {
            lock (_lock)
                return _exit ?? ExitCode.Failed;
        }
    }

    /// <summary>Ends the host because a signal asks for it.</summary>
    public void Ask(PosixSignal signal)
    {
        // What is ending for another reason goes on doing so.
        if (!lifetime.ApplicationStopping.IsCancellationRequested && TrySet(ExitCode.Success))
            _signal = $"{signal}";
        lifetime.StopApplication();
    }

    /// <summary>Ends the host because it cannot work.</summary>
    public void Fail(ExitCode exit, string reason)
    {
        if (TrySet(exit))
            HostLog.Fails(logger, reason);
        lifetime.StopApplication();
    }

    /// <summary>Says why the host stops, unless that has been said.</summary>
    public void Tell()
    {
        if (_signal is not null)
            HostLog.Stopping(logger, _signal);
        else if (Exit == ExitCode.Failed)
            HostLog.StopsByItself(logger);
    }

    private bool TrySet(ExitCode exit)
    {
        lock (_lock)
        {
            if (_exit is not null)
                return false;
            _exit = exit;
            return true;
        }
    }
}

/// <summary>Lets the host live until a signal asks it to stop: as .NET's own does, but the signal is remembered.</summary>
internal sealed class SignalLifetime(HostEnd end) : IHostLifetime, IDisposable
{
    private readonly PosixSignalRegistration[] _signals =
    [
        .. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT }
            .Select(signal => PosixSignalRegistration.Create(signal, context =>
            {
                // It would end the process at once.
                context.Cancel = true;
                end.Ask(context.Signal);
            })),
    ];

    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
    }
}
