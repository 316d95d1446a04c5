using Npgsql;
using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;
using PayoutManager.Woody;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Bench.Figures;

/// <summary>Creates a second while somebody else keeps one payout's row locked and four callers repeat their confirm of it.</summary>
internal static class LockedPayout
{
    private const int CallersAtOnce = 32;
    private const int CallersOfLocked = 4;

    private static readonly TimeSpan TimeOfCaller = TimeSpan.FromSeconds(1);

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        var database = await stand.CreateDatabaseAsync();
        using var host = await stand.StartHostAsync(database);
        using var http = new HttpClient(WoodyClient.CreateHandler());
        var (locked, free) = (new List<double>(), new List<double>());
        for (var round = -1; round < effort.Rounds; round++)
        {
            var id = PayoutCalls.NewIds(1)[0];
            await Callers.RunAsync([host.Url], 1, [PayoutCalls.Create(id)]);
            foreach (var isLocked in (bool[])[false, true])
            {
                using var stop = new CancellationTokenSource();
                await using var other = isLocked ? await LockAsync(database, id) : null;
                var repeating = isLocked ? RepeatAsync(http, host.Url, id, stop.Token) : Task.CompletedTask;
                var load = await Callers.RunAsync([host.Url], CallersAtOnce, effort.Duration, PayoutCalls.Create);
                await stop.CancelAsync();
                await repeating;
                if (round >= 0)
                    (isLocked ? locked : free).Add(load.PerSecond);
            }
        }

        results.Add(new Line(
            "creates beside a locked payout with four callers", "1/s", new Samples(locked), new Samples(free), "none locked", "≥ 0.9"));
    }

    private static async Task<NpgsqlConnection> LockAsync(string database, string payoutId)
    {
        var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"BEGIN; SELECT FROM pm.payout WHERE payout_id = '{payoutId}' FOR UPDATE", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    private static Task RepeatAsync(HttpClient http, Uri url, string payoutId, CancellationToken stop) =>
        Task.WhenAll(Enumerable.Range(0, CallersOfLocked).Select(async _ =>
        {
            var woody = new WoodyClient(http, url, TimeOfCaller, TimeProvider.System);
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await woody.CallAsync<Calls.ConfirmPayout_result>("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = payoutId }, CancellationToken.None);
                }
                catch (WoodyCallException)
                {
                    // As long as it is locked.
                }
            }
        }));
}
