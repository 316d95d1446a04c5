using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using PayoutManager.Application.Telemetry;
using PayoutManager.Host.Configuration;
using PayoutManager.Host.Management;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Woody;

namespace PayoutManager.Host.Telemetry;

/// <summary>
/// Metrics to be scraped and, where an OpenTelemetry collector is configured, metrics and traces sent to it. The collector,
/// sampling and resource attributes are configured by OpenTelemetry's own variables.
/// </summary>
internal static class TelemetryServices
{
    // Of one instrument. Room for all of them is taken at the start, and by default for ten times as many.
    private const int MostSeries = 200;

    public static void AddPayoutTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        var telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource
                .AddService("payout-manager", serviceVersion: ProductVersion.Text)
                .AddEnvironmentVariableDetector())
            .WithMetrics(metrics => metrics
                .AddMeter(
                    PayoutTelemetry.Name,
                    $"{PayoutTelemetry.Name}.*",
                    "Npgsql",
                    "System.Runtime",
                    "Microsoft.AspNetCore.Server.Kestrel")
                .AddView(StreamOf)
                .AddPrometheusExporter());
        if (string.IsNullOrWhiteSpace(configuration[CollectorSettings.Endpoint]))
            return;
        telemetry
            .WithMetrics(metrics => metrics.AddOtlpExporter())
            .WithTracing(traces => traces
                .AddSource("Microsoft.AspNetCore", PayoutTelemetry.Name, WoodyTelemetry.Name, KafkaTelemetry.Name, "Npgsql")
                .AddOtlpExporter());
    }

    private static MetricStreamConfiguration StreamOf(Instrument instrument) => instrument.Name switch
    {
        // A histogram for each peer's every connection, which says nothing that calls do not.
        "kestrel.connection.duration" => MetricStreamConfiguration.Drop,
        // Counted up and down for each statement, and says what the pool's connections in use do.
        "db.client.operation.npgsql.executing" => MetricStreamConfiguration.Drop,
        _ => new MetricStreamConfiguration { CardinalityLimit = MostSeries },
    };
}
