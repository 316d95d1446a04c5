using System.Globalization;
using System.Text.RegularExpressions;
using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;
using PayoutManager.Testing;

namespace PayoutManager.Bench.Figures;

/// <summary>How many creates a second there are when callers never pause, against the floor and against the database alone.</summary>
internal static partial class Throughput
{
    private const int CallersAtOnce = 32;

    // The two transactions of a create as the service makes them, of what pgbench thinks up.
    private const string Script =
        """
        \set id random(1, 1000000000000000)
        BEGIN;
        INSERT INTO pm.payout_operation AS o (payout_id, kind, attempt, owner, lease_until, request)
        VALUES ('pgbench-' || :id, 'create', 1, 'pgbench', clock_timestamp() + make_interval(secs => 15),
            '{"partyId": "party-load-1", "shopId": "shop-load-1", "amount": 100000, "currency": "RUB", "idIsOurs": false}')
        ON CONFLICT (payout_id) DO NOTHING;
        SELECT sequence_id FROM pm.payout WHERE payout_id = 'pgbench-' || :id;
        END;
        BEGIN;
        DELETE FROM pm.payout_operation WHERE payout_id = 'pgbench-' || :id;
        INSERT INTO pm.payout (sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, fee, currency_code)
        VALUES (0, 'pgbench-' || :id, now(), 'party-load-1', 'shop-load-1', 'UNPAID', 'tool-1', 97500, 2800, 'RUB');
        INSERT INTO pm.cash_flow_posting (
            payout_id, created_at, from_account_id, from_account_type, to_account_id, to_account_type, amount, currency_code, description)
        SELECT 'pgbench-' || :id, now(), n, 'MERCHANT_SETTLEMENT', n + 1, 'SYSTEM_SETTLEMENT', 2800, 'RUB', 'fee' FROM generate_series(1, 4) n;
        INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload, published_at)
        VALUES ('pgbench-' || :id, 0, now(), decode(repeat('ab', 900), 'hex'), 'infinity');
        INSERT INTO pm.event_outbox (payout_id, sequence_id, lane, payload)
        VALUES ('pgbench-' || :id, 0, :id % 16, decode(repeat('ab', 900), 'hex'));
        END;
        """;

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        var pair = await stand.StartPairAsync();
        using var host = pair.Host;
        using var floor = pair.Floor;
        var (ours, floors, database) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = -1; round < effort.Rounds; round++)
        {
            var (one, other, alone) = (
                (await Callers.RunAsync([host.Url], CallersAtOnce, effort.Duration, PayoutCalls.Create)).PerSecond,
                (await Callers.RunAsync([floor.Url], CallersAtOnce, effort.Duration, PayoutCalls.Create)).PerSecond,
                await PgbenchAsync(stand, floor.ConnectionString, effort.Duration));
            if (round < 0)
                continue;
            ours.Add(one);
            floors.Add(other);
            database.Add(alone);
        }

        results.Add(new Line("creates at saturation", "1/s", new Samples(ours), new Samples(floors), "floor"));
        results.Add(new Line("creates at saturation", "1/s", new Samples(ours), new Samples(database), "the database alone (pgbench)"));
    }

    private static async Task<double> PgbenchAsync(TestStand stand, string connectionString, TimeSpan duration)
    {
        var database = new Npgsql.NpgsqlConnectionStringBuilder(connectionString);
        var script = Path.Combine(Path.GetTempPath(), $"payouts-{Environment.ProcessId}.pgbench");
        await File.WriteAllTextAsync(script, Script);
        using var pgbench = ChildProcess.Start(
            Path.Combine(stand.Postgres.Binaries, "pgbench"),
            [
                "-n", "-M", "prepared", "-f", script, "-c", "16", "-j", "1", "-T", $"{(int)Math.Max(1, duration.TotalSeconds)}",
                "-h", database.Host!, "-p", $"{database.Port}", "-U", database.Username!, database.Database!,
            ]);
        if (await pgbench.WaitAsync() != 0)
            throw new InvalidOperationException(pgbench.Output);
        return double.Parse((await pgbench.UntilPrintedAsync(Tps())).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"tps = ([0-9.]+)")]
    private static partial Regex Tps();
}
