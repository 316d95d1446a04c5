using System.Diagnostics;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Infrastructure.Storage;

namespace PayoutManager.Host.Management;

/// <summary>What operators ask: is it alive, is it ready, how is it getting on, what is it.</summary>
internal static class ManagementEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => Results.Json(new { status = "live" }));
        routes.MapHealthChecks("/health/ready", new HealthCheckOptions { ResponseWriter = WriteAsync });
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

    /// <summary>The host's status in a word, and of each part <c>ok</c> or what is wrong with it.</summary>
    private static Task WriteAsync(HttpContext http, HealthReport report)
    {
        var body = new JsonObject { ["status"] = http.RequestServices.GetRequiredService<HealthWatch>().Status };
        foreach (var (part, entry) in report.Entries)
            body[part] = entry.Description ?? "ok";
        return http.Response.WriteAsJsonAsync(body);
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
