using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>What calls cost, host and database together, on tables of many payouts against tables of few.</summary>
internal static class TableSize
{
    private const int Few = 1000;

    // As many as take about as long as a create, so that every connection has seen most of the tables before it counts.
    private const int GetsOfCreate = 6;

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        using var few = await stand.StartHostAsync(await stand.CreateDatabaseAsync());
        using var many = await stand.StartHostAsync(await stand.CreateDatabaseAsync());
        await FillAsync(few.ConnectionString, Few);
        await FillAsync(many.ConnectionString, effort.ManyPayouts);

        var cost = new Dictionary<(string Method, Subject Subject), List<double>>();
        for (var turn = -effort.WarmUpTurns; turn < effort.Turns; turn++)
        {
            foreach (var subject in turn % 2 == 0 ? (Subject[])[few, many] : [many, few])
            {
                var ids = PayoutCalls.NewIds(effort.CallsOfTurn);
                var stored = subject == few ? Few : effort.ManyPayouts;
                await MeasureCallsAsync("create", [.. ids.Select(PayoutCalls.Create)]);
                await MeasureCallsAsync(
                    "get",
                    [.. Enumerable.Range(0, effort.CallsOfTurn * GetsOfCreate).Select(_ => PayoutCalls.Get($"stored-{Random.Shared.Next(1, stored + 1)}"))]);
                await MeasureCallsAsync("confirm", [.. ids.Select(PayoutCalls.Confirm)]);

                async Task MeasureCallsAsync(string method, IReadOnlyList<byte[]> messages)
                {
                    var perCall = await Turn.CpuPerCallAsync(subject, messages, () => subject.Process.Cpu + stand.Database.Cpu);
                    if (turn >= 0)
                        (cost.TryGetValue((method, subject), out var values) ? values : cost[(method, subject)] = []).Add(perCall);
                }
            }
        }

        foreach (var method in (string[])["create", "get", "confirm"])
        {
            results.Add(new Line(
                $"CPU per {method} at {effort.ManyPayouts:#,0} payouts",
                "µs",
                new Samples(cost[(method, many)]),
                new Samples(cost[(method, few)]),
                $"{Few:#,0} payouts",
                "≤ 1.05"));
        }
    }

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
            SELECT 'stored-' || n, 0, {createdAt}, decode(repeat('ab', 600), 'hex'), now() FROM generate_series(1, {payouts}) n
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
