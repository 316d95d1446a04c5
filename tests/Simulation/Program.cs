using System.Collections.Concurrent;
using System.Globalization;
using PayoutManager.Simulation;

// dotnet run -c Release --project tests/Simulation -- [first seed] [how many]     many, over all cores
// dotnet run -c Release --project tests/Simulation -- SEED                        one, with its trace
// dotnet run -c Release --project tests/Simulation -- until-broken [how many]     in order, up to the first that breaks
if (args is ["until-broken", ..])
{
    var limit = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 10_000;
    var firstBroken = Enumerable.Range(1, limit).Select(Simulation.Run).FirstOrDefault(r => r.Broken is not null);
    Console.WriteLine(firstBroken is null ? $"{limit} seeds, none broken" : $"seed {firstBroken.Seed}: {firstBroken.Broken}");
    return firstBroken is null ? 0 : 1;
}

var numbers = args.Select(a => int.Parse(a, CultureInfo.InvariantCulture)).ToArray();
if (numbers is [var only])
{
    var report = Simulation.Run(only);
    foreach (var line in report.Trace)
        Console.WriteLine(line);
    Console.WriteLine(report.Broken is null ? "All invariants hold." : $"BROKEN: {report.Broken}");
    return report.Broken is null ? 0 : 1;
}

var (first, count) = numbers is [var f, var c] ? (f, c) : (1, 10_000);
var broken = new ConcurrentBag<Report>();
var (done, calls, events, duplicates) = (0, 0L, 0L, 0L);
Parallel.For(first, first + count, seed =>
{
    var report = Simulation.Run(seed);
    if (report.Broken is not null)
    {
        broken.Add(report);
        Console.WriteLine($"seed {seed} breaks: {report.Broken}");
    }

    Interlocked.Add(ref calls, report.Calls);
    Interlocked.Add(ref events, report.Events);
    Interlocked.Add(ref duplicates, report.Duplicates);
    if (Interlocked.Increment(ref done) % 1_000 == 0)
        Console.WriteLine($"{done,8} of {count} seeds, {broken.Count} broken");
});

foreach (var report in broken.OrderBy(r => r.Seed).Take(20))
    Console.WriteLine($"seed {report.Seed}: {report.Broken}");
if (broken.MinBy(r => r.Seed) is { } simplest)
    Console.WriteLine(simplest.Describe());
Console.WriteLine($"{count} seeds: {calls} calls, {events} events told, {duplicates} of them again; {broken.Count} seeds broke an invariant");
return broken.IsEmpty ? 0 : 1;
