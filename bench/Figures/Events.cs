using PayoutManager.Application.Events;
using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>How soon the broker has acknowledged what was committed, and how fast a backlog drains.</summary>
internal static class Events
{
    private const string Delay = "payouts_relay_publish_duration_seconds";
    private const double MiB = 1 << 20;
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

        await DrainAsync(stand, effort, results);
    }

    /// <summary>By one host and by two, in turns, which were idle before.</summary>
    private static async Task DrainAsync(TestStand stand, Effort effort, Results results)
    {
        var rates = new List<double>[] { [], [] };
        var (idle, most) = (new List<double>(), new List<double>());
        for (var round = 0; round < effort.Rounds; round++)
        {
            var database = await stand.CreateDatabaseAsync();
            using var first = await stand.StartHostAsync(database);
            await DrainAsync(1, first);
            using var second = await stand.StartHostAsync(database);
            await DrainAsync(2, second);

            async Task DrainAsync(int hosts, Subject watched)
            {
                // Until lanes are shared out.
                await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System);
                var before = watched.Process.Memory;
                await TestStand.ExecuteAsync(
                    database,
                    $"""
                    INSERT INTO pm.event_outbox (payout_id, sequence_id, lane, payload)
                    SELECT 'backlog-{hosts}-' || n, 0, n % {EventLane.Count}, decode(repeat('ab', 600), 'hex') FROM generate_series(1, {effort.Backlog}) n
                    """);
                var (began, peak) = (TimeProvider.System.GetTimestamp(), 0L);
                while ((bool)(await TestStand.ExecuteAsync(database, "SELECT EXISTS (SELECT FROM pm.event_outbox)"))!)
                {
                    peak = Math.Max(peak, watched.Process.Memory);
                    await Task.Delay(Pause, TimeProvider.System);
                }

                rates[hosts - 1].Add(effort.Backlog / TimeProvider.System.GetElapsedTime(began).TotalSeconds);
                if (hosts == 1)
                {
                    idle.Add(before / MiB);
                    most.Add(peak / MiB);
                }
            }
        }

        results.Add(new Line($"events of a backlog of {effort.Backlog:#,0}, one host", "1/s", new Samples(rates[0]), Target: "≥ 15,000"));
        results.Add(new Line("the same, two hosts", "1/s", new Samples(rates[1]), new Samples(rates[0]), "one host, on as many cores", "≥ 1.0"));
        results.Add(new Line("memory while it drains, most", "MiB", new Samples(most), new Samples(idle), "idle", "≤ 1.3"));
    }
}
