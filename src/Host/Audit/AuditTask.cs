using MediatR;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Host.Commands;
using PayoutManager.Host.Configuration;
using PayoutManager.Host.Embedded;

namespace PayoutManager.Host.Audit;

/// <summary>How the audit ends, by the names that its report has.</summary>
internal enum AuditExit
{
    AllAgree = ExitCode.Success,
    SomeDisagree = ExitCode.Disagreement,
    WronglyCalled = ExitCode.WronglyCalled,
    DatabaseNotRead = ExitCode.DatabaseUnusable,
    LedgerNotAnswered = ExitCode.LedgerNotAnswered,
    TopicNotRead = ExitCode.TopicNotRead,
    TimeIsUp = ExitCode.TimeIsUp,
    SomeNotKnown = ExitCode.SomeNotKnown,
    SomeUnderWay = ExitCode.SomeUnderWay,
    RepairFailed = ExitCode.RepairFailed,
    RepairUnknown = ExitCode.RepairUnknown,
    Unexpected = ExitCode.Failed,
    Interrupted = ExitCode.Interrupted,
}

/// <summary>One run of the audit: the report goes to the output, everything else to the error output, each failure in one line.</summary>
/// <param name="output">Where the report goes.</param>
/// <param name="error">Where all else goes; it can be written to by several threads at once.</param>
/// <param name="settings">Configuration that outweighs variables and files.</param>
internal sealed class AuditTask(TextWriter output, TextWriter error, string[] settings)
{
    public async Task<AuditExit> RunAsync(AuditArguments arguments)
    {
        using var interruption = new Interruption();
        using var timeout = new CancellationTokenSource(arguments.Timeout, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(interruption.Token, timeout.Token);

        var run = new AuditRun(arguments, error, TimeProvider.System);
        var (exit, failure) = await RunAsync(run, interruption.Token, timeout.Token, either.Token);
        if (exit != AuditExit.WronglyCalled)
        {
            if (arguments.IsJson)
                await output.WriteLineAsync(AuditJson.Write(run, exit, failure));
            else
                AuditText.Write(output, run);
        }

        if (failure is not null)
            await FailAsync(failure);
        return exit;
    }

    private async Task<(AuditExit Exit, string? Error)> RunAsync(
        AuditRun run, CancellationToken interrupted, CancellationToken timeout, CancellationToken either)
    {
        try
        {
            await using var services = Compose();
            await run.RunAsync(services.GetRequiredService<IMediator>(), either);
            return Conclude(run);
        }
        catch (Exception e)
        {
            var (exit, error) = BrokenOff(run, e, interrupted, timeout);
            return exit == AuditExit.WronglyCalled
                ? (exit, error)
                : (RepairExitOf(run.Counts) ?? exit, $"The audit is not finished: {error}{Rest(run)}{Unrepaired(run)}");
        }
    }

    private static (AuditExit Exit, string Error) BrokenOff(
        AuditRun run, Exception e, CancellationToken interrupted, CancellationToken timeout)
    {
        // Whatever it was that was broken off.
        if (interrupted.IsCancellationRequested)
            return (AuditExit.Interrupted, "it was interrupted.");
        if (timeout.IsCancellationRequested)
            return (AuditExit.TimeIsUp, $"its time of {run.Arguments.Timeout:c} is up.");
        return e switch
        {
            InvalidConfigurationException or AuditUnderWayException => (AuditExit.WronglyCalled, e.Message),
            NotFoundException when run.Payouts == 0 => (AuditExit.WronglyCalled, $"There is no payout {run.Arguments.PayoutId}."),
            AuditUnfinishedException unfinished => (ExitOf(unfinished.UnansweredBy), e.Message),
            _ => (AuditExit.Unexpected, $"{e.GetType().Name}: {Explanation.Of(e)}"),
        };
    }

    private static (AuditExit Exit, string? Error) Conclude(AuditRun run)
    {
        var counts = run.Counts;
        List<string> errors = [];
        if (counts.NotAnswered > 0)
            errors.Add($"The audit is not finished: the ledger could not be asked: {run.Failure}{(run.IsComplete ? "" : Rest(run))}");
        else if (counts.UnderWay > 0)
            errors.Add($"The audit is not finished: of {AuditText.Payouts(run.Payouts)} {AuditText.UnderWay(counts.UnderWay)}.");
        if (Unrepaired(run) is { Length: > 0 } unrepaired)
            errors.Add(unrepaired.TrimStart());
        return (RepairExitOf(counts) ?? ExitOf(counts), errors is [] ? null : string.Join(' ', errors));
    }

    /// <summary>If several apply, the first counts.</summary>
    private static AuditExit ExitOf(AuditCounts counts) => counts switch
    {
        { Disagreeing: > 0 } => AuditExit.SomeDisagree,
        { NotAnswered: > 0 } => AuditExit.LedgerNotAnswered,
        { UnderWay: > 0 } => AuditExit.SomeUnderWay,
        { NotKnown: > 0 } => AuditExit.SomeNotKnown,
        _ => AuditExit.AllAgree,
    };

    /// <summary>What counts before all else, also before what broke the run off; null where all repairs are done.</summary>
    private static AuditExit? RepairExitOf(AuditCounts counts) => counts switch
    {
        { RepairsUnknown: > 0 } => AuditExit.RepairUnknown,
        { RepairsFailed: > 0 } => AuditExit.RepairFailed,
        _ => null,
    };

    /// <summary>How many repairs failed.</summary>
    private static string Unrepaired(AuditRun run) => run.Counts switch
    {
        { RepairsFailed: 0, RepairsUnknown: 0 } => "",
        { RepairsUnknown: 0 } counts => $" Not done: {Repairs(counts.RepairsFailed)}.",
        { RepairsFailed: 0 } counts => $" Not known whether done: {Repairs(counts.RepairsUnknown)}.",
        var counts => $" Not done: {Repairs(counts.RepairsFailed)}. Not known whether done: {Repairs(counts.RepairsUnknown)}.",
    };

    private static string Repairs(long count) => count == 1 ? "1 repair" : $"{count} repairs";

    /// <summary>Where an audit of all payouts can go on.</summary>
    private static string Rest(AuditRun run) =>
        run is { Arguments.IsAll: true, UpTo: { } upTo } ? $" It has come up to {upTo}: audit --all --resume goes on from there." : "";

    private static AuditExit ExitOf(AuditSource source) => source switch
    {
        AuditSource.Database => AuditExit.DatabaseNotRead,
        AuditSource.Ledger => AuditExit.LedgerNotAnswered,
        _ => AuditExit.TopicNotRead,
    };

    private Task FailAsync(string failure) => error.WriteLineAsync(LineLog.InOneLine(failure));

    /// <summary>The host's services, of which nothing is started.</summary>
    private ServiceProvider Compose()
    {
        var builder = HostSettings.CreateBuilder(settings);
        var read = HostSettings.Read(builder.Configuration, builder.Environment);
        if (read.HasEmbedded)
        {
            throw new InvalidConfigurationException(
                ["an audit needs a database, dependencies and a broker that are configured; embedded ones are seen by their host alone"]);
        }

        builder.Logging.ClearProviders().AddProvider(new LineLog(error));
        // What peers did not answer is in the report, and what libraries say of it adds nothing.
        builder.Services.PostConfigure<LoggerFilterOptions>(filter =>
        {
            filter.Rules.Clear();
            filter.MinLevel = LogLevel.None;
            filter.Rules.Add(new LoggerFilterRule(null, "PayoutManager.Application", LogLevel.Warning, null));
        });
        PayoutHost.AddServices(builder.Services, read, EmbeddedPeers.None(read));
        return builder.Services.BuildServiceProvider();
    }
}
