using PayoutManager.Application.Events;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>What a host says and does for a minute while nothing of its backlog can be sent.</summary>
internal static class RefusingBroker
{
    private const int Waiting = 65_000;

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        var database = await stand.CreateDatabaseAsync();
        // Every event is larger than what may be sent.
        using var host = await stand.StartHostAsync(database, ("Kafka__Properties__message.max.bytes", "1000"));
        await Task.Delay(TimeSpan.FromSeconds(5), TimeProvider.System);
        await TestStand.ExecuteAsync(
            database,
            $"""
            INSERT INTO pm.event_outbox (payout_id, sequence_id, lane, payload)
            SELECT 'refused-' || n, 0, n % {EventLane.Count}, decode(repeat('ab', 2000), 'hex') FROM generate_series(1, {Waiting}) n
            """);
        var (lines, cpu) = (LinesOf(host), host.Process.Cpu);
        await Task.Delay(effort.Refusal, TimeProvider.System);
        var share = (host.Process.Cpu - cpu) / effort.Refusal * 100;
        results.Add(new Line("log lines of a minute in which the broker refuses everything", "", new Samples(LinesOf(host) - lines), Target: "≤ 10"));
        results.Add(new Line("CPU meanwhile, of a core", "%", new Samples(share), Target: "≤ 5"));
    }

    private static int LinesOf(Subject host) => host.Process.Output.Count(c => c == '\n');
}
