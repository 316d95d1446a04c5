using PayoutManager.Application.Audit;
using PayoutManager.Application.Background;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Retention;
using PayoutManager.Application.Telemetry;
using PayoutManager.Host.Commands;
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

/// <summary>Deletes what is too old for as long as the host runs.</summary>
internal sealed class RetentionWorker(RetentionWork retention) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => retention.RunAsync(stoppingToken);
}

/// <summary>
/// Makes and upgrades the tables at start or, where that is switched off, waits until somebody else has. A database that
/// is out of reach does not keep the host from starting: it answers that it is not ready, and tries on. One that is set up so that
/// payouts cannot be kept in it ends the host.
/// </summary>
internal sealed class MigrationWorker(
    DatabaseMigrator migrator, StorageOptions options, BackgroundLoops loops, HostEnd end, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // A host should answer that it lives also while a database does not answer, or takes long to upgrade.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _firstRound = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Waits a while for the first round, so that a host that finds its database is ready as soon as it listens.</summary>
    /// <exception cref="UnusableDatabaseException">Trying again is of no use.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        await Task.WhenAny(_firstRound.Task, Task.Delay(Patience, clock, cancellationToken));
        if (!_firstRound.TrySetResult())
            await _firstRound.Task;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => loops.RunAsync("migration", MigrateAsync, stoppingToken);

    private async Task<TimeSpan> MigrateAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (options.MigrateOnStartup)
                await migrator.MigrateAsync(cancellationToken);
            else if (!await migrator.IsMigratedAsync(cancellationToken))
                return Pause;
            return Timeout.InfiniteTimeSpan;
        }
        catch (UnusableDatabaseException e)
        {
            // Where the host has started before the database did, nobody waits for the first round any more.
            if (!_firstRound.TrySetException(e))
                end.Fail(ExitCode.DatabaseUnusable, e.Message);
            return Timeout.InfiniteTimeSpan;
        }
        finally
        {
            _firstRound.TrySetResult();
        }
    }
}
