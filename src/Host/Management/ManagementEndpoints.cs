using System.Diagnostics;
using System.Reflection;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Infrastructure.Storage;

namespace PayoutManager.Host.Management;

/// <summary>What operators ask: is it alive, is it ready, how is it getting on, what is it.</summary>
internal static class ManagementEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => Results.Json(new { status = "live" }));
        routes.MapGet("/health/ready", Ready);
        routes.MapGet("/info", Info);
        routes.MapPrometheusScrapingEndpoint("/metrics");
    }

    /// <summary>Questions of operators are nobody's trace.</summary>
    public static Task NotTraced(HttpContext http, RequestDelegate next)
    {
        if (Activity.Current is { } span)
        {
            span.IsAllDataRequested = false;
            span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        }

        return next(http);
    }

    private static IResult Ready(HealthWatch health)
    {
        var report = health.Judge();
        return Results.Json(
            new
            {
                status = report.Status,
                database = report.Database,
                broker = report.Broker,
                relay = report.Relay,
                partyManagement = report.PartyManagement,
                shumway = report.Shumway,
            },
            statusCode: report.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static IResult Info(IHostEnvironment environment, StorageOptions storage, KafkaOptions kafka) => Results.Json(new
    {
        version = ProductVersion.Text,
        environment = environment.EnvironmentName,
        storage = new { provider = storage.Provider.ToString() },
        kafka = new { bootstrapServers = kafka.BootstrapServers, topic = kafka.Topic },
    });
}

/// <summary>What this build calls itself.</summary>
internal static class ProductVersion
{
    public static string Text { get; } = typeof(ProductVersion).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
