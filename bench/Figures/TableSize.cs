using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>What calls cost, program and database together, on tables of many payouts against tables of few.</summary>
internal static class TableSize
{
    private const int Few = 1000;

    // As many as take about as long as a create, so that every connection has seen most of the tables before it counts.
    private const int GetsOfCreate = 6;

    private const string Get = "get of the last day's payouts";

    // Drawn evenly from all: what is read is in the database's memory and in no cache of the processor, however large the table is.
    private const string GetOfAny = "get of any payout";

    private static readonly string[] Methods = ["create", Get, "confirm", GetOfAny];

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        using var few = await stand.StartHostAsync(await stand.CreateDatabaseAsync());
        using var many = await stand.StartHostAsync(await stand.CreateDatabaseAsync());
        await FillAsync(few.ConnectionString, Few);
        await FillAsync(many.ConnectionString, effort.ManyPayouts);
        await CompareAsync(stand, effort, results, Methods, few, many);

        // What of it no program could avoid.
        using var floorOnFew = await stand.StartFloorAsync(few.ConnectionString);
        using var floorOnMany = await stand.StartFloorAsync(many.ConnectionString);
        await CompareAsync(stand, effort, results, [GetOfAny], floorOnFew, floorOnMany);
    }

    private static async Task CompareAsync(TestStand stand, Effort effort, Results results, string[] methods, Subject few, Subject many)
    {
        Subject[] subjects = [few, many];
        var cost = methods.ToDictionary(m => m, _ => subjects.ToDictionary(s => s, _ => new List<double>()));
        foreach (var turn in Turn.All(effort, methods, subjects))
        {
            var messages = MessagesOf(turn.Method, turn.Ids, turn.Subject == few ? Few : effort.ManyPayouts);
            var perCall = await turn.CpuPerCallAsync(messages, () => turn.Subject.Process.Cpu + stand.Database.Cpu);
            if (turn.Counts)
                cost[turn.Method][turn.Subject].Add(perCall);
        }

        var (of, target) = few.Name == "floor" ? (", by the floor,", "") : ("", "≤ 1.05");
        foreach (var method in methods)
        {
            results.Add(new Line(
                $"CPU per {method}{of} at {effort.ManyPayouts:#,0} payouts",
                "µs",
                new Samples(cost[method][many]),
                new Samples(cost[method][few]),
                $"{Few:#,0} payouts",
                target));
        }
    }

    private static IReadOnlyList<byte[]> MessagesOf(string method, string[] ids, int stored) => method switch
    {
        "create" => [.. ids.Select(PayoutCalls.Create)],
        Get => Gets(ids.Length, stored - Math.Max(stored / 365, Few) + 1, stored),
        GetOfAny => Gets(ids.Length, 1, stored),
        _ => [.. ids.Select(PayoutCalls.Confirm)],
    };

    private static IReadOnlyList<byte[]> Gets(int creates, int first, int last) =>
        [.. Enumerable.Range(0, creates * GetsOfCreate).Select(_ => PayoutCalls.Get($"stored-{Random.Shared.Next(first, last + 1)}"))];

    /// <summary>
    /// Payouts with postings and published events, one after the other as if they had been made in the past year, and in memory as
    /// on a server that has been at it for a while.
    /// </summary>
    private static async Task FillAsync(string connectionString, int payouts)
    {
        Console.WriteLine($"   filling a database with {payouts:#,0} payouts");
        var createdAt = $"now() - interval '1 year' + interval '364 days' * (n::float8 / {payouts})";
        foreach (var statement in (string[])
        [
            $"""
            INSERT INTO pm.payout (sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, fee, currency_code)
            SELECT 0, 'stored-' || n, {createdAt}, 'party-load-1', 'shop-load-1', 'UNPAID', 'tool-1', 97500, 2800, 'RUB'
            FROM generate_series(1, {payouts}) n
            """,
            $"""
            INSERT INTO pm.cash_flow_posting (
                payout_id, created_at, from_account_id, from_account_type, to_account_id, to_account_type, amount, currency_code, description)
            SELECT 'stored-' || n, {createdAt}, 28, 'MERCHANT_SETTLEMENT', 29, 'MERCHANT_PAYOUT', 100000, 'RUB', NULL
            FROM (SELECT place / 4 + 1 AS n FROM generate_series(0, {payouts} * 4 - 1) place) posting
            """,
            $"""
            INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload, published_at)
            SELECT 'stored-' || n, 0, {createdAt}, decode(repeat('ab', 600), 'hex'), 'infinity' FROM generate_series(1, {payouts}) n
            """,
            "VACUUM ANALYZE",
            "CHECKPOINT",
            "CREATE EXTENSION pg_prewarm",
            // The payloads of old events are what nothing reads.
            """
            SELECT sum(pg_prewarm(oid)) FROM pg_class
            WHERE relnamespace = 'pm'::regnamespace AND relkind IN ('r', 'i') AND relname <> 'payout_event'
            """,
        ])
        {
            await TestStand.ExecuteAsync(connectionString, statement);
        }
    }
}
