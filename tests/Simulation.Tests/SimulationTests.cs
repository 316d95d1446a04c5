using System.Collections.Concurrent;

namespace PayoutManager.Simulation.Tests;

public class SimulationTests
{
    [Fact]
    public void All_invariants_hold_in_five_thousand_runs()
    {
        var broken = new ConcurrentBag<Report>();
        Parallel.For(1, 5_001, seed =>
        {
            var report = Simulation.Run(seed);
            if (report.Broken is not null)
                broken.Add(report);
        });

        Assert.True(broken.IsEmpty, string.Join('\n', broken.OrderBy(r => r.Seed).Take(5).Select(r => $"seed {r.Seed}: {r.Broken}")));
    }

    [Theory]
    [InlineData(77)]
    [InlineData(4_711)]
    public void A_seed_gives_the_same_run_again(int seed)
    {
        var first = Simulation.Run(seed).Trace;

        Assert.True(first.Count > 20);
        Assert.Equal(first, Simulation.Run(seed).Trace);
    }

    /// <summary>A run that nothing happens in would keep every promise.</summary>
    [Fact]
    public void Runs_are_full_of_what_they_are_to_show()
    {
        var traces = Enumerable.Range(1, 300).SelectMany(seed => Simulation.Run(seed).Trace).ToList();

        string[] wanted =
        [
            "is killed", "sleeps for", "lost during commit", "answer lost", ": late", "doubled", "undeclared error", "out of reach",
            "take over p1: attempt", "payout#2_p1: held", "commit revert_payout_p1: committed", "is RolledBack", "told p1 2",
            "Success", "Refused", "NotDone", "Unknown",
        ];
        Assert.All(wanted, what => Assert.Contains(traces, line => line.Contains(what, StringComparison.Ordinal)));
    }
}
