using Npgsql;
using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench;

/// <summary>
/// What a call may take of what does not depend on the machine's speed: calls to dependencies, statements and round trips to the
/// database, allocated memory. A change that takes more fails here; one that takes less should lower the budget.
/// </summary>
internal static class Budget
{
    private const int Calls = 400;

    private static readonly Allowance[] Allowances =
    [
        new("create", RemoteCalls: 4, Statements: 3, RoundTrips: 2, AllocatedKiB: 110),
        new("get", RemoteCalls: 0, Statements: 1, RoundTrips: 1, AllocatedKiB: 22),
        new("confirm", RemoteCalls: 1, Statements: 4, RoundTrips: 3, AllocatedKiB: 55),
        new("cancel", RemoteCalls: 1, Statements: 4, RoundTrips: 3, AllocatedKiB: 56),
    ];

    /// <returns>Whether every call keeps to it.</returns>
    public static async Task<bool> CheckAsync(TestStand stand)
    {
        var database = new NpgsqlConnectionStringBuilder(await stand.CreateDatabaseAsync());
        await TestStand.ExecuteAsync(database.ConnectionString, "CREATE EXTENSION pg_stat_statements");
        // It makes the tables. The lanes of the outbox are then leased for ever, so that the host that is measured has nothing to do but
        // calls, and to look around now and then.
        using (await stand.StartHostAsync(database.ConnectionString))
        {
        }

        await TestStand.ExecuteAsync(database.ConnectionString, "UPDATE pm.relay_lane SET owner = 'nobody', lease_until = 'infinity'");
        using var trips = new RoundTrips(database.Port);
        using var host = await stand.StartHostAsync(
            new NpgsqlConnectionStringBuilder(database.ConnectionString) { Port = trips.Port }.ConnectionString);

        await MeasureAsync(PayoutCalls.NewIds(Calls), (_, _) => { });
        var keeps = true;
        Console.WriteLine("| per call | remote calls | statements | round trips | allocated KiB |");
        Console.WriteLine("|---|---|---|---|---|");
        await MeasureAsync(PayoutCalls.NewIds(Calls), (allowed, taken) =>
        {
            Console.WriteLine(
                $"| {allowed.Method} | {taken.RemoteCalls:0.00} of {allowed.RemoteCalls} | {taken.Statements:0.00} of {allowed.Statements} "
                + $"| {taken.RoundTrips:0.00} of {allowed.RoundTrips} | {taken.AllocatedKiB:0.0} of {allowed.AllocatedKiB} |");
            keeps &= Math.Round(taken.RemoteCalls) <= allowed.RemoteCalls
                && Math.Round(taken.Statements) <= allowed.Statements
                && Math.Round(taken.RoundTrips) <= allowed.RoundTrips
                && taken.AllocatedKiB <= allowed.AllocatedKiB;
        });
        Console.WriteLine(keeps ? "Every call keeps to its budget." : "A call takes more than it may.");
        return keeps;

        async Task MeasureAsync(string[] ids, Action<Allowance, Taken> report)
        {
            foreach (var allowance in Allowances)
            {
                IReadOnlyList<byte[]> messages = allowance.Method switch
                {
                    "create" => [.. ids.Select(PayoutCalls.Create)],
                    "get" => [.. ids.Select(PayoutCalls.Get)],
                    "confirm" => [.. ids.Take(Calls / 2).Select(PayoutCalls.Confirm)],
                    _ => [.. ids.Skip(Calls / 2).Select(PayoutCalls.Cancel)],
                };
                var (metrics, statements, turns) = (await Metrics.ReadAsync(host), await StatementsAsync(), trips.Count);
                await Callers.RunAsync([host.Url], 1, messages);
                turns = trips.Count - turns;
                var (after, executed) = (await Metrics.ReadAsync(host), await StatementsAsync() - statements);
                report(allowance, new Taken(
                    Between("thrift_client_call_duration_seconds_count") / messages.Count,
                    (double)executed / messages.Count,
                    (double)turns / messages.Count,
                    Between("dotnet_gc_heap_total_allocated_bytes_total") / messages.Count / 1024));

                double Between(string name) => Metrics.Sum(after, name) - Metrics.Sum(metrics, name);
            }
        }

        // Of calls; hosts look for events, leases and what is under way by others. BEGIN and COMMIT cost next to nothing by themselves.
        async Task<long> StatementsAsync() => (long)(await TestStand.ExecuteAsync(
            database.ConnectionString,
            """
            SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
            WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND (query LIKE 'INSERT INTO pm.payout_operation%' OR query LIKE 'WITH moved%'
                    OR query LIKE 'WITH ended%' OR query LIKE 'SELECT p.%')
            """))!;
    }

    private sealed record Allowance(string Method, int RemoteCalls, int Statements, int RoundTrips, double AllocatedKiB);

    private sealed record Taken(double RemoteCalls, double Statements, double RoundTrips, double AllocatedKiB);
}
