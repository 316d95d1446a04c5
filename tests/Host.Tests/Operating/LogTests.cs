using System.Text.Json;
using PayoutManager.Testing;
using PayoutManager.Woody;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests.Operating;

public sealed class LogTests : IAsyncLifetime
{
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync() => _peers = await PostgresPeers.StartAsync();

    public async Task DisposeAsync() => await _peers.DisposeAsync();

    [Fact]
    public async Task Each_call_is_a_line_of_json_with_outcome_payout_and_trace_and_without_money()
    {
        using var host = HostProcess.Start(_peers);
        await host.UntilReadyAsync();
        await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("log-1", 123_457));
        await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("log-1", 123_457));
        await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs("log-2", 987_654_321_987_654));
        var made = await host.CallAsync<Calls.CreatePayout_result>("CreatePayout", RunningHost.CreateArgs(null, 123_457));
        await host.CallAsync<Calls.GetPayout_result>("GetPayout", new Calls.GetPayout_args { PayoutId = "no\nsuch" });
        await host.CallAsync<Calls.CancelPayout_result>(
            "CancelPayout", new Calls.CancelPayout_args { PayoutId = "log-1", Details = "private words" });
        await Assert.ThrowsAsync<WoodyCallException>(() => host.CallAsync<Calls.ConfirmPayout_result>(
            "ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = "log-1" }));

        var lines = await CallsAsync(host, 7);
        Assert.Equal(
            [
                ("CreatePayout", "log-1", 200, "success"),
                ("CreatePayout", "log-1", 200, "PayoutAlreadyExists"),
                ("CreatePayout", "log-2", 200, "InsufficientFunds"),
                ("CreatePayout", made.Success!.PayoutId, 200, "success"),
                ("GetPayout", "no?such", 200, "NotFound"),
                ("CancelPayout", "log-1", 200, "success"),
                ("ConfirmPayout", "log-1", 500, "InvalidPayoutState"),
            ],
            lines.Select(line => (
                Text(line, "Method"), Text(line, "PayoutId"), line.GetProperty("Status").GetInt32(), Text(line, "Outcome"))));
        Assert.All(lines, line => Assert.Equal("-", Text(line, "Actor")));
        Assert.Contains("Payout log-2 was not created for (null): insufficient funds, not enough money", host.Output, StringComparison.Ordinal);
        Assert.All(lines, line => Assert.Matches("^[0-9a-f]{16}$", Text(line, "WoodyTraceId")));
        Assert.All(Lines(host).Where(line => line.GetProperty("EventId").GetInt32() is 10 or 40), line =>
        {
            var scope = Assert.Single(line.GetProperty("Scopes").EnumerateArray(), scope => scope.TryGetProperty("Actor", out _));
            Assert.Equal(["Message", "TraceId", "SpanId", "Actor", "PayoutId"], scope.EnumerateObject().Select(field => field.Name));
            Assert.Equal(Text(line.GetProperty("State"), "PayoutId"), Text(scope, "PayoutId"));
            Assert.Matches("^0{16}[0-9a-f]{16}$", Text(scope, "TraceId"));
            Assert.Matches("^[0-9a-f]{16}$", Text(scope, "SpanId"));
        });
        Assert.All(lines, line => Assert.True(line.GetProperty("Milliseconds").GetDouble() > 0));
        foreach (var secret in (string[])["123457", "987654321", "private words", "97500", "   at "])
            Assert.DoesNotContain(secret, host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Peers_that_are_down_are_told_of_without_stack_or_secret()
    {
        using var host = HostProcess.Start(
            _peers,
            ("ConnectionStrings__Payouts", $"Host=127.0.0.1;Port={Ports.Free()};Username=x;Password=secret;Database=x"),
            ("Kafka__BootstrapServers", $"127.0.0.1:{Ports.Free()}"),
            ("Shumway__Url", $"http://127.0.0.1:{Ports.Free()}/shumpune"));

        await host.UntilAsync(() => Task.FromResult(
            ((string[])["migration", "relay", "recovery", "backlog"]).All(loop =>
                host.Output.Contains($"Background work {loop} fails (1 in a row ", StringComparison.Ordinal))));

        Assert.DoesNotContain("   at ", host.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", host.Output, StringComparison.Ordinal);
        Assert.All(Lines(host), line => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", Text(line, "Timestamp")));
    }

    private static async Task<IReadOnlyList<JsonElement>> CallsAsync(HostProcess host, int count)
    {
        IReadOnlyList<JsonElement> calls = [];
        await host.UntilAsync(() =>
        {
            calls =
            [
                .. Lines(host)
                    .Where(line => line.GetProperty("EventId").GetInt32() == 40)
                    .Select(line => line.GetProperty("State")),
            ];
            return Task.FromResult(calls.Count == count);
        });
        return calls;
    }

    private static IEnumerable<JsonElement> Lines(HostProcess host) =>
        host.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement);

    private static string Text(JsonElement state, string name) => state.GetProperty(name).GetString()!;
}
