using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace PayoutManager.Woody;

/// <summary>What is told of calls to other services.</summary>
public static class WoodyTelemetry
{
    /// <summary>The name of both the spans' source and the meter.</summary>
    public const string Name = "PayoutManager.Woody";

    /// <summary>Bounds for durations of calls, in seconds.</summary>
    public static readonly IReadOnlyList<double> DurationBounds =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    internal static readonly ActivitySource Source = new(Name);

    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<double> CallDuration = Meter.CreateHistogram(
        "thrift.client.call.duration",
        "s",
        "Calls to other services, each try by itself.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = DurationBounds });

    /// <summary>Puts the ids of a call onto a span, beside the span's own.</summary>
    public static void Describe(Activity span, WoodyContext context)
    {
        span.SetTag("woody.trace_id", context.TraceId);
        span.SetTag("woody.span_id", context.SpanId);
        span.SetTag("woody.parent_id", context.ParentId);
    }

    internal static void Called(string service, string method, string outcome, TimeSpan duration) => CallDuration.Record(
        duration.TotalSeconds,
        new TagList { { "service", service }, { "method", method }, { "outcome", outcome } });
}
