using PayoutManager.Bench;
using PayoutManager.Bench.Figures;
using PayoutManager.Bench.Stand;
using PayoutManager.Testing;

Dictionary<string, Func<TestStand, Effort, Results, Task>> figures = new()
{
    ["cost"] = CallCost.MeasureAsync,
};

var asked = args.Where(a => !a.StartsWith('-')).ToArray();
if (asked.Except(figures.Keys).ToArray() is { Length: > 0 } unknown)
{
    Console.Error.WriteLine($"No such figure: {string.Join(", ", unknown)}. There are {string.Join(", ", figures.Keys)}.");
    return 2;
}

var results = new Results();
await using var stand = await TestStand.StartAsync();
foreach (var name in asked is [] ? [.. figures.Keys] : asked)
{
    Console.WriteLine($"-- {name}");
    await figures[name](stand, new Effort(), results);
}

results.Save(Path.Combine(Repository.Root, "artifacts"));
Console.WriteLine();
Console.WriteLine(results.ToMarkdown());
return 0;
