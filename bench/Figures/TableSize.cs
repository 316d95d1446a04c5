using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>What calls cost, host and database together, on tables of many payouts against tables of few.</summary>
internal static class TableSize
{
    private const int Few = 1000;
    private const int CallersAtOnce = 8;

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        using var few = await stand.StartHostAsync(await stand.CreateDatabaseAsync());
        using var many = await stand.StartHostAsync(await stand.CreateDatabaseAsync());
        await FillAsync(few.ConnectionString, Few);
        await FillAsync(many.ConnectionString, effort.ManyPayouts);

        var cost = new Dictionary<(string Method, Subject Subject), List<double>>();
        for (var round = -effort.WarmUpRounds; round < effort.Rounds; round++)
        {
            foreach (var subject in round % 2 == 0 ? (Subject[])[few, many] : [many, few])
            {
                var ids = PayoutCalls.NewIds(effort.CallsOfRound);
                var stored = subject == few ? Few : effort.ManyPayouts;
                await MeasureCallsAsync("create", [.. ids.Select(PayoutCalls.Create)]);
                await MeasureCallsAsync(
                    "get", [.. ids.Select(_ => PayoutCalls.Get($"stored-{Random.Shared.Next(1, stored + 1)}"))]);
                await MeasureCallsAsync("confirm", [.. ids.Select(PayoutCalls.Confirm)]);

                async Task MeasureCallsAsync(string method, IReadOnlyList<byte[]> messages)
                {
                    var began = subject.Process.Cpu + stand.Database.Cpu;
                    await Callers.RunAsync([subject.Url], CallersAtOnce, messages);
                    var perCall = (subject.Process.Cpu + stand.Database.Cpu - began).TotalMicroseconds / messages.Count;
                    if (round >= 0)
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

    /// <summary>Payouts with postings and published events, as if they had been made one by one.</summary>
    private static async Task FillAsync(string connectionString, int payouts)
    {
        Console.WriteLine($"   filling a database with {payouts:#,0} payouts");
        foreach (var statement in (string[])
        [
            $"""
            INSERT INTO pm.payout (sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, fee, currency_code)
            SELECT 0, 'stored-' || n, now(), 'party-load-1', 'shop-load-1', 'UNPAID', 'tool-1', 97500, 2800, 'RUB' FROM generate_series(1, {payouts}) n
            """,
            $"""
            INSERT INTO pm.cash_flow_posting (
                payout_id, created_at, from_account_id, from_account_type, to_account_id, to_account_type, amount, currency_code, description)
            SELECT 'stored-' || n, now(), 28 + p, 'MERCHANT_SETTLEMENT', 29 + p, 'MERCHANT_PAYOUT', 100000, 'RUB', NULL
            FROM generate_series(1, {payouts}) n, generate_series(1, 4) p
            """,
            $"""
            INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload, published_at)
            SELECT 'stored-' || n, 0, now(), decode(repeat('ab', 600), 'hex'), now() FROM generate_series(1, {payouts}) n
            """,
            "VACUUM ANALYZE",
            "CHECKPOINT",
        ])
        {
            await TestStand.ExecuteAsync(connectionString, statement);
        }
    }
}
