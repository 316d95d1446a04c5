using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>
/// Creates a second while each of the four calls to dependencies takes its time, against a service that holds one of ten database
/// connections meanwhile, which can make no more than pool ÷ total latency.
/// </summary>
internal static class SlowUpstreams
{
    private const int CallersAtOnce = 200;
    private const int Pool = 10;
    private const int CallsToDependencies = 4;

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        var pair = await stand.StartPairAsync();
        using var host = pair.Host;
        using var floor = pair.Floor;
        using var holding = await stand.StartFloorAsync(floor.ConnectionString, Pool);
        foreach (var latency in (TimeSpan[])[TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(100)])
        {
            await stand.SetUpstreamLatencyAsync(latency);
            var (ours, floors, held) = (new List<double>(), new List<double>(), new List<double>());
            for (var round = -1; round < effort.Rounds; round++)
            {
                var (one, least, other) = (await RateAsync(host), await RateAsync(floor), await RateAsync(holding));
                if (round < 0)
                    continue;
                ours.Add(one);
                floors.Add(least);
                held.Add(other);
            }

            await stand.SetUpstreamLatencyAsync(TimeSpan.Zero);
            var cap = Pool / (CallsToDependencies * latency.TotalSeconds);
            var name = $"creates at {latency.TotalMilliseconds} ms upstreams, {CallersAtOnce} callers";
            results.Add(new Line(
                name, "1/s", new Samples(ours), new Samples([.. ours.Select(_ => cap)]), $"cap of {Pool} held connections", latency.TotalMilliseconds < 50 ? "≥ 8" : ""));
            results.Add(new Line(name, "1/s", new Samples(ours), new Samples(held), "the same, measured"));
            results.Add(new Line(name, "1/s", new Samples(ours), new Samples(floors), "floor"));
        }

        async Task<double> RateAsync(Subject subject) =>
            (await Callers.RunAsync([subject.Url], CallersAtOnce, effort.Duration, PayoutCalls.Create)).PerSecond;
    }
}
