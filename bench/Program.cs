using System.Globalization;
using PayoutManager.Bench;
using PayoutManager.Bench.Figures;
using PayoutManager.Bench.Stand;
using PayoutManager.Testing;

Dictionary<string, Func<TestStand, Effort, Results, Task>> figures = new()
{
    ["cost"] = CallCost.MeasureAsync,
    ["throughput"] = Throughput.MeasureAsync,
    ["latency"] = Latency.MeasureAsync,
    ["upstreams"] = SlowUpstreams.MeasureAsync,
    ["events"] = Events.MeasureAsync,
    ["footprint"] = Footprint.MeasureAsync,
    ["hosts"] = MoreHosts.MeasureAsync,
    ["tables"] = TableSize.MeasureAsync,
    ["backlog"] = Backlog.MeasureAsync,
    ["locked"] = LockedPayout.MeasureAsync,
    ["refusals"] = RefusingBroker.MeasureAsync,
};

if (args is ["check"])
{
    await using var small = await TestStand.StartSmallAsync();
    return await Budget.CheckAsync(small) ? 0 : 1;
}

var asked = args.Where(a => !a.StartsWith('-')).ToArray();
if (asked.Except(figures.Keys).ToArray() is { Length: > 0 } unknown)
{
    Console.Error.WriteLine($"No such figure: {string.Join(", ", unknown)}. There are {string.Join(", ", figures.Keys)}, and check.");
    return 2;
}

var effort = new Effort();
if (Option("rounds") is { } rounds)
    effort = effort with { Rounds = rounds };
if (Option("payouts") is { } payouts)
    effort = effort with { ManyPayouts = payouts };
if (Option("history") is { } history)
    effort = effort with { History = history, LargeBacklog = history / 10, DeadRows = history * 3 / 100 };
if (Option("turns") is { } turns)
    effort = effort with { Turns = turns };
if (Option("calls") is { } calls)
    effort = effort with { CallsOfTurn = calls };

var results = new Results();
await using var stand = await TestStand.StartAsync();
foreach (var name in asked is [] ? [.. figures.Keys] : asked)
{
    Console.WriteLine($"-- {name}");
    await figures[name](stand, effort, results);
    results.Save(Path.Combine(Repository.Root, "artifacts"));
}

Console.WriteLine();
Console.WriteLine(results.ToMarkdown());
return 0;

int? Option(string name) =>
    args.FirstOrDefault(a => a.StartsWith($"--{name}=", StringComparison.Ordinal)) is { } given
        ? int.Parse(given[(name.Length + 3)..], CultureInfo.InvariantCulture)
        : null;
