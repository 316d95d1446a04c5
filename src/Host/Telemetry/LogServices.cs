using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace PayoutManager.Host.Telemetry;

/// <summary>The log, beyond what its configuration says.</summary>
internal static class LogServices
{
    // Says of each request less than the endpoint does; and where it might, ASP.NET makes an Activity and a log's scope for each.
    private const string RequestLog = "Microsoft.AspNetCore.Hosting.Diagnostics";

    // Says every second what is wrong, which readiness and metrics do.
    private const string HealthLog = "Microsoft.Extensions.Diagnostics.HealthChecks";

    // What ends a start is thrown as well, and said where the program ends.
    private const string HostLog = "Microsoft.Extensions.Hosting.Internal.Host";

    public static void AddPayoutLog(this WebApplicationBuilder builder)
    {
        // Of a span; calls without one tell of their trace by themselves.
        builder.Logging.Configure(log => log.ActivityTrackingOptions = ActivityTrackingOptions.TraceId | ActivityTrackingOptions.SpanId);
        builder.Logging.AddFilter(RequestLog, LogLevel.None);
        builder.Logging.AddFilter(HostLog, LogLevel.Critical);
        builder.Logging.AddFilter(HealthLog, LogLevel.None);
        // A developer sees each line at once, among what else is printed.
        if (builder.Environment.IsDevelopment())
            return;
        builder.Services.Remove(builder.Services.Single(s => s.ImplementationType == typeof(ConsoleLoggerProvider)));
        builder.Services.AddSingleton<ILoggerProvider>(provider => new BatchedConsole(
            provider.GetServices<ConsoleFormatter>(),
            provider.GetRequiredService<IOptions<ConsoleLoggerOptions>>().Value,
            TimeProvider.System,
            Console.OpenStandardOutput()));
    }
}
