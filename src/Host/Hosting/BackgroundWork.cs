using System.Data.Common;
using System.Net.Sockets;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Telemetry;
using PayoutManager.Infrastructure.Storage;

namespace PayoutManager.Host.Hosting;

/// <summary>Sends events for as long as the host runs.</summary>
internal sealed class RelayWorker(EventRelay relay) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => relay.RunAsync(stoppingToken);
}

/// <summary>Takes over abandoned operations for as long as the host runs.</summary>
internal sealed class RecoveryWorker(OperationRecovery recovery) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => recovery.RunAsync(stoppingToken);
}

/// <summary>Audits what changes for as long as the host runs.</summary>
internal sealed class AuditWorker(AuditWatch watch) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => watch.RunAsync(stoppingToken);
}

/// <summary>Looks at what is under way and waiting for as long as the host runs.</summary>
internal sealed class BacklogWorker(BacklogWatch watch) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => watch.RunAsync(stoppingToken);
}

/// <summary>
/// Makes and upgrades the tables at start or, where that is switched off, waits until somebody else has. A database that
/// is out of reach does not keep the host from starting: it answers that it is not ready, and tries on. One that is set up so that
/// payouts cannot be kept in it ends the host.
/// </summary>
internal sealed class MigrationWorker(
    DatabaseMigrator migrator,
    StorageOptions options,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<MigrationWorker> logger) : BackgroundService
{
    /// <summary>The process's exit code where the database cannot be used.</summary>
    public const int UnusableDatabase = 3;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private bool _done;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (!_done)
            {
                await Task.Delay(Pause, clock, stoppingToken);
                await TryAsync(stoppingToken);
            }
        }
        catch (UnusableDatabaseException e)
        {
            // The host had started before the database did.
            HostLog.CannotUseDatabase(logger, e.Message);
            Environment.ExitCode = UnusableDatabase;
            lifetime.StopApplication();
        }
    }

    /// <exception cref="UnusableDatabaseException">Trying again is of no use.</exception>
    private async Task TryAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (options.MigrateOnStartup)
                await migrator.MigrateAsync(cancellationToken);
            _done = options.MigrateOnStartup || await migrator.TryAdoptAsync(cancellationToken);
        }
        catch (Exception e) when (e is not UnusableDatabaseException && !cancellationToken.IsCancellationRequested)
        {
            // What the database says for itself needs no stack.
            var isDatabases = e.GetBaseException() is DbException or SocketException or TimeoutException;
            HostLog.CannotMigrate(logger, Explanation.Of(e), isDatabases ? null : e);
        }
    }
}

internal static partial class HostLog
{
    [LoggerMessage(100, LogLevel.Error, "Cannot make or upgrade the tables; will try again: {Reason}")]
    public static partial void CannotMigrate(ILogger logger, string reason, Exception? unexpected);

    [LoggerMessage(101, LogLevel.Critical, "The host stops: {Reason}")]
    public static partial void CannotUseDatabase(ILogger logger, string reason);
}
