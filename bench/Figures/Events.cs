using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>How soon the broker has acknowledged what was committed, and how fast a backlog drains.</summary>
internal static class Events
{
    private const string Delay = "payouts_relay_publish_duration_seconds";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        var database = await stand.CreateDatabaseAsync();
        using (var host = await stand.StartHostAsync(database))
        {
            await Callers.RunAsync([host.Url], 8, effort.Duration, PayoutCalls.Create);
            await ReportAsync("idle", async () =>
            {
                for (var i = 0; i < 40 * effort.Rounds; i++)
                {
                    await Callers.RunAsync([host.Url], 1, [PayoutCalls.Create()]);
                    await Task.Delay(Pause, TimeProvider.System);
                }
            });
            await ReportAsync("at full load", () => Callers.RunAsync([host.Url], 32, effort.Duration * 2, PayoutCalls.Create));

            async Task ReportAsync(string when, Func<Task> load)
            {
                var before = await Metrics.ReadAsync(host);
                await load();
                await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
                var after = await Metrics.ReadAsync(host);
                foreach (var (name, share) in ((string, double)[])[("p50", 0.5), ("p99", 0.99)])
                {
                    results.Add(new Line(
                        $"commit to acknowledgement {when}, {name}",
                        "ms",
                        new Samples(Metrics.Quantile(before, after, Delay, share) * 1000),
                        Target: when == "idle" && name == "p99" ? "≤ 25" : ""));
                }
            }
        }

        await TestStand.ExecuteAsync(
            database,
            $"""
            INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload)
            SELECT 'backlog-' || n, 0, now(), decode(repeat('ab', 600), 'hex') FROM generate_series(1, {effort.Backlog}) n
            """);
        await TestStand.ExecuteAsync(database, "VACUUM ANALYZE pm.payout_event");
        using var drains = await stand.StartHostAsync(database);
        while ((long)(await TestStand.ExecuteAsync(
            database, "SELECT count(*) FROM pm.payout_event WHERE published_at IS NULL"))! > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System);
        }

        var seconds = (double)(await TestStand.ExecuteAsync(
            database,
            "SELECT extract(epoch FROM max(published_at) - min(published_at))::float8 FROM pm.payout_event WHERE payout_id LIKE 'backlog-%'"))!;
        results.Add(new Line(
            $"events of a backlog of {effort.Backlog:#,0}", "1/s", new Samples(effort.Backlog / seconds), Target: "≥ 10,000"));
    }
}
