using System.Globalization;

namespace PayoutManager.Host.Configuration;

/// <summary>
/// Checks those of OpenTelemetry's variables without which nothing, or something else, would be sent: it leaves out what it does not
/// understand. Without a collector none of them is read.
/// </summary>
internal static class CollectorSettings
{
    /// <summary>The variable that says where the collector is.</summary>
    public const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private const string Sampler = "OTEL_TRACES_SAMPLER";

    public static void Check(SettingsReader read)
    {
        if (read.Url(Endpoint, required: false) is null)
            return;
        foreach (var signal in (string[])["", "TRACES_", "METRICS_"])
        {
            read.Url($"OTEL_EXPORTER_OTLP_{signal}ENDPOINT", required: false);
            read.Word($"OTEL_EXPORTER_OTLP_{signal}PROTOCOL", "grpc", "http/protobuf");
            read.Number($"OTEL_EXPORTER_OTLP_{signal}TIMEOUT", 1, least: 1, most: int.MaxValue);
        }

        read.Number("OTEL_METRIC_EXPORT_INTERVAL", 1, least: 1, most: int.MaxValue);
        read.Number("OTEL_METRIC_EXPORT_TIMEOUT", 1, least: 1, most: int.MaxValue);
        read.Word(
            Sampler,
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio");
        if (read.Text($"{Sampler}_ARG") is { } text
            && !(double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var ratio) && ratio is >= 0 and <= 1))
        {
            read.Reject($"{Sampler}_ARG", $"must be a number from 0 to 1, is '{text}'");
        }
    }
}
