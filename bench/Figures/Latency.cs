using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>How long a create takes, by how many callers there are.</summary>
internal static class Latency
{
    private static readonly int[] Crowds = [1, 8, 32, 128];

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        var pair = await stand.StartPairAsync();
        using var host = pair.Host;
        using var floor = pair.Floor;
        foreach (var subject in (Subject[])[host, floor])
            await Callers.RunAsync([subject.Url], 8, effort.Duration, PayoutCalls.Create);
        foreach (var callers in Crowds)
        {
            var (ours, floors) = (new List<LoadReport>(), new List<LoadReport>());
            for (var round = 0; round < effort.Rounds; round++)
            {
                ours.Add(await Callers.RunAsync([host.Url], callers, effort.Duration / 2, PayoutCalls.Create));
                floors.Add(await Callers.RunAsync([floor.Url], callers, effort.Duration / 2, PayoutCalls.Create));
            }

            foreach (var (name, share) in ((string, double)[])[("p50", 0.5), ("p99", 0.99)])
            {
                results.Add(new Line(
                    $"create at {callers} callers, {name}", "ms", Of(ours, share), Of(floors, share), "floor"));
            }
        }
    }

    private static Samples Of(List<LoadReport> loads, double share) => new([.. loads.Select(l => l.Percentile(share).TotalMilliseconds)]);
}
