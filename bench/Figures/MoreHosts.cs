using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>Creates a second of two and three hosts on one database, against one. All share the machine's cores.</summary>
internal static class MoreHosts
{
    private const int CallersAtOnce = 64;

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        var database = await stand.CreateDatabaseAsync();
        using var first = await stand.StartHostAsync(database);
        using var second = await stand.StartHostAsync(database);
        using var third = await stand.StartHostAsync(database);
        Uri[] urls = [first.Url, second.Url, third.Url];
        var rates = new List<double>[] { [], [], [] };
        for (var round = -1; round < effort.Rounds; round++)
        {
            for (var hosts = 1; hosts <= urls.Length; hosts++)
            {
                var load = await Callers.RunAsync(urls[..hosts], CallersAtOnce, effort.Duration, PayoutCalls.Create);
                if (round >= 0)
                    rates[hosts - 1].Add(load.PerSecond);
            }
        }

        for (var hosts = 2; hosts <= urls.Length; hosts++)
        {
            results.Add(new Line(
                $"creates of {hosts} hosts", "1/s", new Samples(rates[hosts - 1]), new Samples(rates[0]), "one host, on as many cores"));
        }
    }
}
