using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>CPU of each call, of the host against the floor, in turns.</summary>
internal static class CallCost
{
    private const int GetsOfCreate = 4;
    private static readonly string[] Methods = ["create", "get", "confirm", "cancel"];

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        var pair = await stand.StartPairAsync();
        using var host = pair.Host;
        using var floor = pair.Floor;
        Subject[] subjects = [host, floor];
        var cpu = subjects.ToDictionary(s => s.Name, _ => Methods.ToDictionary(m => m, _ => new List<double>()));
        var allocated = subjects.ToDictionary(s => s.Name, _ => Methods.ToDictionary(m => m, _ => new List<double>()));
        var databaseCpu = subjects.ToDictionary(s => s.Name, _ => new List<double>());
        foreach (var turn in Turn.All(effort, Methods, subjects))
        {
            var (method, subject) = (turn.Method, turn.Subject);
            var messages = MessagesOf(method, turn.Ids);
            // Asking takes CPU too, so it is done first.
            var garbage = await stand.AllocatedAsync(subject);
            var before = stand.Database.Cpu;
            var perCall = await turn.CpuPerCallAsync(messages, () => subject.Process.Cpu);
            if (!turn.Counts)
                continue;
            cpu[subject.Name][method].Add(perCall);
            if (method == "create")
                databaseCpu[subject.Name].Add((stand.Database.Cpu - before).TotalMicroseconds / messages.Count);
            allocated[subject.Name][method].Add((await stand.AllocatedAsync(subject) - garbage) / messages.Count / 1024);
        }

        foreach (var method in Methods)
        {
            results.Add(new Line(
                $"CPU per {method}",
                "µs",
                new Samples(cpu["host"][method]),
                new Samples(cpu["floor"][method]),
                "floor",
                method == "cancel" ? "" : "≤ 1.4"));
        }

        foreach (var method in Methods)
        {
            results.Add(new Line(
                $"allocated per {method}", "KiB", new Samples(allocated["host"][method]), new Samples(allocated["floor"][method]), "floor"));
        }

        results.Add(new Line(
            "CPU of PostgreSQL per create", "µs", new Samples(databaseCpu["host"]), new Samples(databaseCpu["floor"]), "floor"));
    }

    private static IReadOnlyList<byte[]> MessagesOf(string method, string[] ids) => method switch
    {
        "create" => [.. ids.Select(PayoutCalls.Create)],
        "get" => [.. Enumerable.Repeat(ids, GetsOfCreate).SelectMany(i => i).Select(PayoutCalls.Get)],
        "confirm" => [.. ids.Take(ids.Length / 2).Select(PayoutCalls.Confirm)],
        _ => [.. ids.Skip(ids.Length / 2).Select(PayoutCalls.Cancel)],
    };
}
