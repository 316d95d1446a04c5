using System.Runtime.InteropServices;
using MediatR;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Host.Configuration;
using PayoutManager.Host.Embedded;
using HostBuilder = Microsoft.Extensions.Hosting.Host;

namespace PayoutManager.Host.Audit;

/// <summary>How the audit ends; see <see cref="AuditArguments.Usage"/>.</summary>
internal enum AuditExit
{
    AllAgree = 0,
    SomeDisagree = 1,
    WronglyCalled = 2,
    DatabaseNotRead = 3,
    LedgerNotAnswered = 4,
    TopicNotRead = 5,
    TimeIsUp = 6,
    SomeNotKnown = 7,
    SomeUnderWay = 8,
    Unexpected = 70,
    Interrupted = 130,
}

/// <summary>The audit as a command: the report goes to the output, everything else to the error output, each failure in one line.</summary>
/// <param name="output">Where the report goes.</param>
/// <param name="error">Where all else goes; it can be written to by several threads at once.</param>
/// <param name="configure">Changes to the configuration before it is read.</param>
internal sealed class AuditCommand(TextWriter output, TextWriter error, Action<HostApplicationBuilder>? configure = null)
{
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> args)
    {
        AuditArguments arguments;
        try
        {
            arguments = AuditArguments.Parse(args);
        }
        catch (AuditUsageException e)
        {
            await FailAsync($"audit: {e.Message}; see audit --help");
            return (int)AuditExit.WronglyCalled;
        }

        if (arguments.IsHelp)
        {
            await output.WriteLineAsync(AuditArguments.Usage);
            return (int)AuditExit.AllAgree;
        }

        return (int)await RunAsync(arguments);
    }

    private async Task<AuditExit> RunAsync(AuditArguments arguments)
    {
        using var interrupted = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        using var timeout = new CancellationTokenSource(arguments.Timeout, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(interrupted.Token, timeout.Token);

        var run = new AuditRun(arguments, error);
        var (exit, failure) = await RunAsync(run, interrupted.Token, timeout.Token, either.Token);
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

        void Interrupt(PosixSignalContext signal)
        {
            signal.Cancel = true;
            interrupted.Cancel();
        }
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
                return (AuditExit.Interrupted, "The audit is not finished: it was interrupted.");
            if (timeout.IsCancellationRequested)
                return (AuditExit.TimeIsUp, $"The audit is not finished: its time of {run.Arguments.Timeout:c} is up.");
            return e switch
            {
                InvalidConfigurationException => (AuditExit.WronglyCalled, e.Message),
                NotFoundException => (AuditExit.WronglyCalled, $"There is no payout {run.Arguments.PayoutId}."),
                AuditUnfinishedException unfinished => (ExitOf(unfinished.UnansweredBy), $"The audit is not finished: {e.Message}"),
                _ => (AuditExit.Unexpected, $"The audit is not finished: {e.GetType().Name}: {Explanation.Of(e)}"),
            };
        }
    }

    private static (AuditExit Exit, string? Error) Conclude(AuditRun run)
    {
        var latest = run.Latest.ToList();
        var failure = latest.FirstOrDefault(audit => audit.Failure is not null)?.Failure;
        var error = failure is null ? null : $"The audit is not finished: the ledger could not be asked: {failure}";
        if (latest.Any(audit => audit.Disagreements.Count > 0))
            return (AuditExit.SomeDisagree, error);
        if (error is not null)
            return (AuditExit.LedgerNotAnswered, error);
        if (latest.Count(audit => audit.IsUnderWay) is > 0 and var underWay)
            return (AuditExit.SomeUnderWay, $"The audit is not finished: of {run.Report.Payouts} payouts {underWay} are being changed and were not compared.");
        return (latest.Any(audit => audit.NotKnown.Count > 0) ? AuditExit.SomeNotKnown : AuditExit.AllAgree, null);
    }

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
        var builder = HostBuilder.CreateApplicationBuilder(new HostApplicationBuilderSettings
        {
            ContentRootPath = AppContext.BaseDirectory,
        });
        configure?.Invoke(builder);
        var settings = HostSettings.Read(builder.Configuration, builder.Environment);
        if (settings.HasEmbedded)
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
        PayoutHost.AddServices(builder.Services, settings, EmbeddedPeers.None(settings));
        return builder.Services.BuildServiceProvider();
    }
}
