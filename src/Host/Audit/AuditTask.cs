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
            // Whatever it was that was broken off.
            if (interrupted.IsCancellationRequested)
                return (AuditExit.Interrupted, $"The audit is not finished: it was interrupted.{Rest(run)}");
            if (timeout.IsCancellationRequested)
                return (AuditExit.TimeIsUp, $"The audit is not finished: its time of {run.Arguments.Timeout:c} is up.{Rest(run)}");
            return e switch
            {
                InvalidConfigurationException or AuditUnderWayException => (AuditExit.WronglyCalled, e.Message),
                NotFoundException => (AuditExit.WronglyCalled, $"There is no payout {run.Arguments.PayoutId}."),
                AuditUnfinishedException unfinished => (ExitOf(unfinished.UnansweredBy), $"The audit is not finished: {e.Message}{Rest(run)}"),
                _ => (AuditExit.Unexpected, $"The audit is not finished: {e.GetType().Name}: {Explanation.Of(e)}{Rest(run)}"),
            };
        }
    }

    private static (AuditExit Exit, string? Error) Conclude(AuditRun run)
    {
        var counts = run.Counts;
        var error = counts.NotAnswered == 0
            ? null
            : $"The audit is not finished: the ledger could not be asked: {run.Failure}{(run.IsComplete ? "" : Rest(run))}";
        if (counts.Disagreeing > 0)
            return (AuditExit.SomeDisagree, error);
        if (error is not null)
            return (AuditExit.LedgerNotAnswered, error);
        if (counts.UnderWay > 0)
            return (AuditExit.SomeUnderWay, $"The audit is not finished: of {run.Payouts} payouts {counts.UnderWay} are being changed and were not compared.");
        return (counts.NotKnown > 0 ? AuditExit.SomeNotKnown : AuditExit.AllAgree, null);
    }

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
