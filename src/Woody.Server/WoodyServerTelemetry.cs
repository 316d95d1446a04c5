using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace PayoutManager.Woody.Server;

/// <summary>What is told of calls that are served.</summary>
public static class WoodyServerTelemetry
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "PayoutManager.Woody.Server";

    private static readonly Meter Meter = new(MeterName);

    private static readonly Histogram<double> CallDuration = Meter.CreateHistogram(
        "thrift.server.call.duration",
        "s",
        "Calls served, by method and outcome.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = WoodyTelemetry.DurationBounds });

    private static readonly UpDownCounter<long> Active = Meter.CreateUpDownCounter<long>(
        "thrift.server.calls.active", "{call}", "Calls being served.");

    internal static void Began(string service) => Active.Add(1, new KeyValuePair<string, object?>("service", service));

    internal static void Ended(string service, ServedCall call, int status, TimeSpan duration)
    {
        Active.Add(-1, new KeyValuePair<string, object?>("service", service));
        CallDuration.Record(
            duration.TotalSeconds,
            new TagList { { "service", service }, { "method", call.Method }, { "outcome", call.Outcome }, { "status", status } });
    }

    /// <summary>Makes the request's span one of the call.</summary>
    internal static void Describe(Activity span, string service, ServedCall call, WoodyContext context, int status)
    {
        span.DisplayName = $"{service}/{call.Method}";
        span.SetTag("rpc.system", "apache_thrift").SetTag("rpc.service", service).SetTag("rpc.method", call.Method);
        span.SetTag("http.response.status_code", status).SetTag("outcome", call.Outcome).SetTag("payout.id", call.Subject);
        WoodyTelemetry.Describe(span, context);
        if (status >= 500)
            span.SetStatus(ActivityStatusCode.Error, call.Outcome);
    }
}
