using System.Diagnostics;
using System.Diagnostics.Metrics;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Retention;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Telemetry;

/// <summary>What is told of payouts, operations and events while they move.</summary>
public static class PayoutTelemetry
{
    /// <summary>The name of both the spans' source and the meter.</summary>
    public const string Name = "PayoutManager";

    /// <summary>What operations are called in metrics and traces.</summary>
    internal static readonly IReadOnlyList<string> Kinds = ["create", "confirm", "cancel"];

    internal static readonly ActivitySource Source = new(Name);

    private static readonly Meter Meter = new(Name);

    private static readonly Counter<long> Transitions = Meter.CreateCounter<long>(
        "payouts.transitions", "{payout}", "Payouts that took a status, by that status.");

    private static readonly Counter<long> Recoveries = Meter.CreateCounter<long>(
        "payouts.recoveries", "{operation}", "Operations of others that this host took over, by kind and outcome.");

    private static readonly Counter<long> PlanRefusals = Meter.CreateCounter<long>(
        "payouts.ledger.refusals", "{operation}", "Operations that ended because the ledger refused their plan, by kind.");

    private static readonly Counter<long> FundsRefusals = Meter.CreateCounter<long>(
        "payouts.insufficient_funds", "{payout}", "Creates refused with InsufficientFunds, by reason.");

    private static readonly Counter<long> SendFailures = Meter.CreateCounter<long>(
        "payouts.relay.failures", "{event}", "Events that the broker did not take; each is sent again.");

    private static readonly Counter<long> PrunedRows = Meter.CreateCounter<long>(
        "payouts.retention.pruned", "{row}", "Rows that were older than they are to be kept and are deleted, by what they were.");

    private static readonly Counter<long> RetentionPasses = Meter.CreateCounter<long>(
        "payouts.retention.passes", "{pass}", "How often everything was looked at that may be too old, by what it is.");

    private static readonly Histogram<double> PublishDuration = Meter.CreateHistogram(
        "payouts.relay.publish.duration",
        "s",
        "From the commit of a change to the broker's acknowledgement of its event.",
        advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
        });

    /// <summary>What an operation is called in metrics and traces.</summary>
    public static string KindOf(OperationIntent intent) => intent switch
    {
        CreateIntent => "create",
        ConfirmIntent => "confirm",
        _ => "cancel",
    };

    /// <summary>
    /// Shows the counters that alerts watch at zero. Otherwise the first that they count would look like the figure that they began with.
    /// </summary>
    internal static void ShowZeroes()
    {
        foreach (var kind in Kinds)
        {
            PlanRefusals.Add(0, new KeyValuePair<string, object?>("kind", kind));
            foreach (var finished in (bool[])[true, false])
                Recovered(kind, finished, 0);
        }

        foreach (var what in RetentionWork.Kinds)
            Pruned(what, 0, isPassOver: false);
    }

    internal static void Applied(PayoutStatus status) =>
        Transitions.Add(1, new KeyValuePair<string, object?>("to", status.ToString()));

    internal static void Recovered(OperationIntent intent, bool finished) => Recovered(KindOf(intent), finished, 1);

    private static void Recovered(string kind, bool finished, int count) => Recoveries.Add(
        count,
        new KeyValuePair<string, object?>("kind", kind),
        new KeyValuePair<string, object?>("outcome", finished ? "finished" : "failed"));

    internal static void PlanRefused(OperationIntent intent) =>
        PlanRefusals.Add(1, new KeyValuePair<string, object?>("kind", KindOf(intent)));

    internal static void InsufficientFunds(InsufficientFundsReason reason) =>
        FundsRefusals.Add(1, new KeyValuePair<string, object?>("reason", reason.InWords()));

    internal static void Published(TimeSpan sinceCommit) => PublishDuration.Record(sinceCommit.TotalSeconds);

    internal static void NotSent() => SendFailures.Add(1);

    internal static void Pruned(string what, int rows, bool isPassOver)
    {
        var tag = new KeyValuePair<string, object?>("what", what);
        PrunedRows.Add(rows, tag);
        RetentionPasses.Add(isPassOver ? 1 : 0, tag);
    }
}
