using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>From the start of the process until it is ready, and the memory it takes, idle and under full load.</summary>
internal static class Footprint
{
    private const double MiB = 1 << 20;

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        var (ready, floorReady, idle, loaded) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        var database = await stand.CreateDatabaseAsync();
        for (var round = -1; round < effort.Rounds; round++)
        {
            // What the host before has left to others, such as PostgreSQL, is not part of this start.
            await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
            using var host = await stand.StartHostAsync(database);
            using (var floor = await stand.StartFloorAsync(database))
            {
                if (round >= 0)
                    floorReady.Add(floor.Process.StartedIn.TotalSeconds);
            }

            await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
            var (before, peak) = (host.Process.Memory, 0L);
            var load = Callers.RunAsync([host.Url], 128, effort.Duration * 2, PayoutCalls.Create);
            while (!load.IsCompleted)
            {
                peak = Math.Max(peak, host.Process.Memory);
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }

            await load;
            if (round < 0)
                continue;
            ready.Add(host.Process.StartedIn.TotalSeconds);
            idle.Add(before / MiB);
            loaded.Add(peak / MiB);
        }

        results.Add(new Line("from process start to ready", "s", new Samples(ready), new Samples(floorReady), "floor", "service ≤ 1.5 s"));
        results.Add(new Line("memory, idle", "MiB", new Samples(idle)));
        results.Add(new Line("memory at 128 callers, most", "MiB", new Samples(loaded), Target: "≤ 160"));
    }
}
