using System.Text.Json;
using PayoutManager.Application.Events;
using PayoutManager.Host.Tests.Deployment;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Testing;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Operating;

public sealed class TelemetryTests : IAsyncLifetime
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";

    private readonly HttpClient _http = new();
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync() => _peers = await PostgresPeers.StartAsync();

    public async Task DisposeAsync()
    {
        await _peers.DisposeAsync();
        _http.Dispose();
    }

    [Fact]
    public async Task Metrics_tell_what_was_done_and_dashboard_and_alerts_ask_for_nothing_else()
    {
        // Nothing is left waiting, but one event is too large for the broker.
        using var host = HostProcess.Start(_peers, ("Kafka__Properties__message.max.bytes", "3000"), ("Recovery__LeaseDuration", "00:00:01"));
        await host.UntilReadyAsync();
        var atFirst = await Metrics.ReadAsync(_http, host.ManagementUrl);
        Assert.Superset((HashSet<string>)["payouts_ledger_refusals_total", "payouts_recoveries_total"], atFirst.Names.ToHashSet());
        Assert.Equal((0, 0), (atFirst.Sum("payouts_ledger_refusals_total"), atFirst.Sum("payouts_recoveries_total")));
        await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("m-1", 100_000));
        await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("m-1", 100_000));
        await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("m-2", 100_000));
        await host.CallAsync<Calls.ConfirmPayout_result>("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = "m-1" });
        await host.CallAsync<Calls.CancelPayout_result>(
            "CancelPayout", new Calls.CancelPayout_args { PayoutId = "m-1", Details = new string('x', 4000) });
        await host.CallAsync<Calls.GetPayout_result>("GetPayout", new Calls.GetPayout_args { PayoutId = "m-1" });
        await Assert.ThrowsAsync<WoodyCallException>(() => host.CallAsync<Calls.ConfirmPayout_result>(
            "ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = "m-1" }));
        await Assert.ThrowsAsync<WoodyCallException>(() => host.CallAsync<Calls.CancelPayout_result>(
            "CancelPayout", new Calls.CancelPayout_args { PayoutId = "m-1", Details = new string('x', 4097) }));
        await AbandonConfirmAsync("m-2");
        await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("m-3", 0));
        await Assert.ThrowsAsync<WoodyCallException>(() => host.CallAsync<Calls.CreatePayout_result>(
            "CreatePayout", RunningHost.CreateArgs("m-4", 100_000, "shop-with-unknown-account", "party-odd")));

        var metrics = await Metrics.ReadAsync(_http, host.ManagementUrl);
        await host.UntilAsync(async () =>
        {
            metrics = await Metrics.ReadAsync(_http, host.ManagementUrl);
            return metrics.Sum("payouts_transitions_total", ("to", "confirmed")) == 2
                && metrics.Sum("payouts_relay_blocked") == 1
                && metrics.Sum("payouts_events_unpublished") == 1
                && metrics.Sum("payouts_operations") == 0
                && metrics.Sum("payouts_ready") == 1
                && metrics.Sum("payouts_relay_publish_duration_seconds_count") == 4;
        });

        Assert.Equal(
            (2, 1, 1, 1, 1, 1, 1),
            (
                Calls("CreatePayout", "success"),
                Calls("CreatePayout", "PayoutAlreadyExists"),
                Calls("ConfirmPayout", "success"),
                Calls("CancelPayout", "success"),
                Calls("GetPayout", "success"),
                Calls("ConfirmPayout", "InvalidPayoutState"),
                Calls("CancelPayout", "InvalidRequest")));
        Assert.Equal(2, metrics.Sum("payouts_transitions_total", ("to", "unpaid")));
        Assert.Equal(1, metrics.Sum("payouts_transitions_total", ("to", "cancelled")));
        Assert.Equal(1, metrics.Sum("payouts_recoveries_total", ("kind", "confirm"), ("outcome", "finished")));
        Assert.Equal(3, metrics.Sum("thrift_client_call_duration_seconds_count", ("service", "Shumway"), ("method", "Hold"), ("outcome", "success")));
        Assert.Equal(4, metrics.Sum("thrift_client_call_duration_seconds_count", ("service", "PartyManagement"), ("method", "Get")));
        Assert.Equal(1, metrics.Sum("payouts_insufficient_funds_total", ("reason", "amount not positive")));
        Assert.Equal(1, metrics.Sum("payouts_ledger_refusals_total", ("kind", "create")));
        Assert.Equal((0, EventLane.Count), (metrics.Sum("payouts_operations"), metrics.Sum("payouts_relay_lanes")));
        Assert.Equal((4, 1), (metrics.Sum("payouts_peer_up"), metrics.Sum("payouts_ready")));
        Assert.True(metrics.Sum("payouts_relay_failures_total") >= 1);

        Assert.NotEqual(0, metrics.Sum("db_client_connection_count", ("db_client_connection_state", "idle")));
        Assert.Empty(DeployedFiles.MetricsOfAlerts().Except(metrics.Names).Except(["up"]));
        Assert.Empty(DeployedFiles.MetricsOfDashboard().Except(metrics.Names).Except(["up"]));
        Assert.Empty(DeployedFiles.MetricsShownByManual().Except(metrics.Names));
        Assert.Empty(DeployedFiles.MetricsOfManual().Except(metrics.Names).Except(metrics.Names.Select(name => name.Replace("_count", "", StringComparison.Ordinal))));

        double Calls(string method, string outcome) =>
            metrics.Sum("thrift_server_call_duration_seconds_count", ("method", method), ("outcome", outcome));
    }

    [Fact]
    public async Task A_trace_goes_from_the_caller_through_ledger_and_database_to_the_topic()
    {
        await using var collector = await OtlpCollector.StartAsync();
        using var host = HostProcess.Start(
            _peers,
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url.ToString()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"));
        await host.UntilReadyAsync();
        await CreateAsync(
            host,
            "traced",
            ("traceparent", $"00-{Trace}-b7ad6b7169203331-01"),
            ("woody.trace-id", "woody-trace"),
            ("woody.span-id", "woody-span"),
            ("woody.parent-id", "woody-parent"));

        await host.UntilAsync(() => Task.FromResult(new[] { "PayoutManagement/CreatePayout", "send pm-events-payout" }
            .All(name => collector.Spans.Any(s => s.TraceId == Trace && s.Name == name))));

        var spans = collector.Spans.Where(s => s.TraceId == Trace).ToList();
        var call = spans.Single(s => s.Name == "PayoutManagement/CreatePayout");
        Assert.Equal("b7ad6b7169203331", call.ParentId);
        Assert.Equal(
            ("woody-trace", "woody-span", "woody-parent", "traced", "success"),
            (call.Tags["woody.trace_id"], call.Tags["woody.span_id"], call.Tags["woody.parent_id"], call.Tags["payout.id"], call.Tags["outcome"]));
        var handler = spans.Single(s => s.Name == "CreatePayoutCommand");
        Assert.Equal(call.Id, handler.ParentId);
        var hold = spans.Single(s => s.Name == "Shumway/Hold");
        Assert.Equal(
            (handler.Id, "woody-trace", "woody-span"), (hold.ParentId, hold.Tags["woody.trace_id"], hold.Tags["woody.parent_id"]));
        Assert.Contains(spans, s => s.Name == "PartyManagement/ComputePayoutCashFlow" && s.ParentId == handler.Id);
        Assert.Contains(
            spans,
            s => s.ParentId == handler.Id && s.Tags.Values.Any(v => v.Contains("INSERT INTO pm.payout_event", StringComparison.Ordinal)));
        var send = spans.Single(s => s.Name == "send pm-events-payout");
        Assert.Equal(
            $"00-{Trace}-{send.Id}-01", Topic.ReadHeader(_peers.BootstrapServers, KafkaOptions.DefaultTopic, "traceparent"));

        await host.UntilAsync(() => Task.FromResult(host.Output.Contains("\"EventId\":40", StringComparison.Ordinal)));
        using var line = JsonDocument.Parse(host.Output.Split('\n').Single(text => text.Contains("\"EventId\":40", StringComparison.Ordinal)));
        var fields = line.RootElement.GetProperty("Scopes").EnumerateArray().SelectMany(scope => scope.EnumerateObject()).ToList();
        Assert.Equal(Trace, fields.Single(field => field.Name == "TraceId").Value.GetString());
        Assert.Equal(call.Id, fields.Single(field => field.Name == "SpanId").Value.GetString());

        // Looking for work ten times a second is nobody's trace, and neither is an operator's question.
        Assert.All(collector.Spans, s => Assert.Equal(Trace, s.TraceId));
    }

    [Fact]
    public async Task A_callers_trace_is_carried_to_dependencies_and_topic_where_nobody_collects()
    {
        var (inTopic, requests) = await CreateUncollectedAsync(
            "carried", ("traceparent", $"00-{Trace}-b7ad6b7169203331-01"), ("tracestate", "vendor=1"));

        var carried = $"^00-{Trace}-(?!b7ad6b7169203331)[0-9a-f]{{16}}-01$";
        Assert.Matches(carried, inTopic);
        var calls = requests.Where(r => r.Body.Length > 0).ToList();
        Assert.Equal(2, calls.Count);
        Assert.All(calls, call => Assert.Matches(carried, call.Headers["traceparent"]));
        Assert.All(calls, call => Assert.Equal("vendor=1", call.Headers["tracestate"]));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("not a trace")]
    public async Task Without_a_trace_of_the_callers_and_a_collector_none_is_begun(string? traceParent)
    {
        var (inTopic, requests) = await CreateUncollectedAsync("untraced", traceParent is null ? [] : [("traceparent", traceParent)]);

        Assert.Null(inTopic);
        Assert.Equal(2, requests.Count(r => r.Body.Length > 0));
        Assert.All(requests, request => Assert.DoesNotContain("traceparent", request.Headers.Keys));
    }

    /// <summary>Creates a payout on a host that knows no collector.</summary>
    /// <returns>The <c>traceparent</c> of its event, and what Shumway was asked, by calls and by looks whether it is there.</returns>
    private async Task<(string? InTopic, IReadOnlyList<(IDictionary<string, string> Headers, byte[] Body)> Requests)> CreateUncollectedAsync(
        string payoutId, params IReadOnlyList<(string Name, string Value)> headers)
    {
        await using var shumway = await ScriptedPeer.StartAsync();
        using var forward = new HttpClient();
        shumway.Script.Enqueue(ScriptedPeer.Forward(forward, _peers.Sandbox.ShumwayUrl));
        using var host = HostProcess.Start(_peers, ("Shumway__Url", shumway.Url.ToString()));
        await host.UntilReadyAsync();

        await CreateAsync(host, payoutId, headers);

        return (
            Topic.ReadHeader(_peers.BootstrapServers, KafkaOptions.DefaultTopic, "traceparent"),
            [.. shumway.Requests]);
    }

    private async Task CreateAsync(HostProcess host, string payoutId, params IReadOnlyList<(string Name, string Value)> headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, host.ThriftUrl)
        {
            Content = new ByteArrayContent(ThriftMessage.Serialize(
                new TMessage("CreatePayout", TMessageType.Call, 1), RunningHost.CreateArgs(payoutId, 100_000))),
        };
        request.Content.Headers.ContentType = new("application/x-thrift");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        (await _http.SendAsync(request)).EnsureSuccessStatusCode();
    }

    /// <summary>Who dies right after writing a confirm down leaves this.</summary>
    private Task AbandonConfirmAsync(string id) => Sql.ExecuteAsync(
        _peers.ConnectionString,
        $"INSERT INTO pm.payout_operation (payout_id, kind, attempt, owner, lease_until, request) VALUES ('{id}', 'confirm', 1, 'gone', now(), '{{}}')");
}
