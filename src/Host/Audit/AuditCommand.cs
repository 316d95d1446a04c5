using MediatR;
using Microsoft.Extensions.Logging.Console;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Host.Configuration;
using PayoutManager.Host.Embedded;
using HostBuilder = Microsoft.Extensions.Hosting.Host;

namespace PayoutManager.Host.Audit;

/// <summary>The audit as a command: what disagrees goes to the output, progress and log to the error output.</summary>
internal static class AuditCommand
{
    private const int AllAgree = 0;
    private const int SomeDisagree = 1;
    private const int WronglyCalled = 2;
    private const int NotFinished = 3;

    private static readonly TimeSpan Default = TimeSpan.FromHours(24);

    /// <returns>The exit code.</returns>
    /// <exception cref="InvalidConfigurationException">The configuration cannot be used.</exception>
    public static async Task<int> RunAsync(string[] args)
    {
        if (AuditArguments.Parse(args) is not { } arguments)
        {
            await Console.Error.WriteLineAsync(AuditArguments.Usage);
            return WronglyCalled;
        }

        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, press) =>
        {
            press.Cancel = true;
            stop.Cancel();
        };
        try
        {
            await using var services = Compose();
            return await AuditAsync(services, arguments, stop.Token);
        }
        catch (NotFoundException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return WronglyCalled;
        }
        catch (Exception e) when (e is NotDoneException or OutcomeUnknownException or DependencyFailedException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"The audit is not finished: {e.Message}");
            return NotFinished;
        }
    }

    private static async Task<int> AuditAsync(ServiceProvider services, AuditArguments arguments, CancellationToken cancellationToken)
    {
        var mediator = services.GetRequiredService<IMediator>();
        var report = arguments.PayoutId is { } id
            ? ReportOf(await mediator.Send(new AuditPayoutQuery(id), cancellationToken))
            : await mediator.Send(
                new AuditChangesQuery(
                    arguments.Since ?? TimeProvider.System.GetUtcNow() - Default,
                    Progress: new ConsoleProgress()),
                cancellationToken);

        var left = 0;
        foreach (var audit in report.Disagreeing)
        {
            Print(audit);
            if (arguments.Repair)
            {
                var repaired = await mediator.Send(new RepairPayoutCommand(audit.PayoutId.Value), cancellationToken);
                Console.WriteLine(repaired.Disagreements.Count == 0 ? "  repaired" : "  after the repair:");
                foreach (var disagreement in repaired.Disagreements)
                    Print(disagreement);
                left += repaired.Disagreements.Count == 0 ? 0 : 1;
            }
            else
            {
                left++;
            }
        }

        var underWay = report.UnderWay == 0 ? "" : $", {report.UnderWay} are being changed";
        Console.WriteLine(left == 0
            ? $"{report.Payouts} payouts looked at{underWay}: all agree."
            : $"{report.Payouts} payouts looked at{underWay}: {left} do not agree.");
        return left == 0 ? AllAgree : SomeDisagree;
    }

    private static AuditReport ReportOf(PayoutAudit audit) =>
        new(1, audit.IsUnderWay ? 1 : 0, audit.Disagreements.Count == 0 ? [] : [audit]);

    private static void Print(PayoutAudit audit)
    {
        Console.WriteLine($"payout {audit.PayoutId}");
        foreach (var disagreement in audit.Disagreements)
            Print(disagreement);
    }

    private static void Print(Disagreement disagreement)
    {
        var repair = disagreement.Repair is { } known ? $" Repair: {known.Action} {known.PlanId}".TrimEnd() + "." : "";
        Console.WriteLine($"  {disagreement.Kind}: {disagreement.Description}{repair}");
    }

    /// <summary>The host's services, of which nothing is started.</summary>
    private static ServiceProvider Compose()
    {
        var builder = HostBuilder.CreateApplicationBuilder(new HostApplicationBuilderSettings
        {
            ContentRootPath = AppContext.BaseDirectory,
        });
        var settings = HostSettings.Read(builder.Configuration, builder.Environment);
        if (settings.HasEmbedded)
        {
            throw new InvalidConfigurationException(
                ["an audit needs a database, dependencies and a broker that are configured; embedded ones are seen by their host alone"]);
        }

        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        PayoutHost.AddServices(builder.Services, settings, EmbeddedPeers.None(settings));
        return builder.Services.BuildServiceProvider();
    }

    private sealed class ConsoleProgress : IProgress<AuditReport>
    {
        public void Report(AuditReport value) =>
            Console.Error.WriteLine($"{value.Payouts} payouts looked at, {value.Disagreeing.Count} do not agree …");
    }
}
