using Npgsql;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;

namespace PayoutManager.Host.Tests.Crashes;

/// <summary>The invariants of payouts, ledger and events, checked from outside once nothing is under way any more.</summary>
internal sealed class Aftermath(PostgresPeers peers)
{
    // What is sent while the database is away cannot be marked; it is sent again when that is back.
    private static readonly TimeSpan Aftereffect = TimeSpan.FromSeconds(10);

    /// <summary>Waits until no operation and no event is left over.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> SettleAsync()
    {
        var began = TimeProvider.System.GetTimestamp();
        await using var source = NpgsqlDataSource.Create(peers.ConnectionString);
        for (var i = 0; i < 1200; i++)
        {
            var left = await QueryAsync(
                source,
                """
                SELECT payout_id, 0 FROM pm.payout_operation WHERE kind <> 'spent'
                UNION ALL SELECT payout_id, 1 FROM pm.event_outbox
                """);
            if (left.Count == 0)
                return TimeProvider.System.GetElapsedTime(began);
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }

        throw new TimeoutException("Operations or events are left over.");
    }

    /// <summary>Every payout is as its caller was told, and no other exists.</summary>
    public async Task CheckPayoutsAsync(IReadOnlyDictionary<string, PayoutStatus> told, Func<string, Task<PayoutStatus?>> ask)
    {
        var stored = await ListPayoutsAsync();
        Assert.Equal(told.Keys.Order(StringComparer.Ordinal), stored.Select(p => p.Id).Order(StringComparer.Ordinal));
        foreach (var (id, status) in told)
            Assert.Equal(status, await ask(id));
    }

    /// <summary>
    /// Each payout's plans are those of its status, no other plan is held or committed, money is conserved and no account
    /// is overdrawn.
    /// </summary>
    public void CheckLedger(IReadOnlyDictionary<string, PayoutStatus> told, string prefix)
    {
        var plans = peers.Plans(prefix).Where(p => p.Value != PlanState.RolledBack).ToLookup(
            p => p.Key[p.Key.IndexOf(prefix, StringComparison.Ordinal)..],
            p => (IsRevert: p.Key.StartsWith("revert", StringComparison.Ordinal), p.Value));
        Assert.Empty(plans.Select(p => p.Key).Except(told.Keys));
        foreach (var (id, status) in told)
        {
            var alive = plans[id].Order().ToList();
            Assert.True(
                status switch
                {
                    PayoutStatus.unpaid => alive is [(false, PlanState.Held)],
                    PayoutStatus.confirmed => alive is [(false, PlanState.Committed)],
                    _ => alive is [] or [(false, PlanState.Committed), (true, PlanState.Committed)],
                },
                $"{id} is {status.GetType().Name}, its plans are {string.Join(", ", alive)}");
        }

        var accounts = peers.Sandbox.Accounter.ListAccounts();
        Assert.Equal(0, accounts.Where(a => a.Currency == "RUB").Sum(a => a.OwnAmount));
        Assert.DoesNotContain(accounts, a => a.Description == "merchant.settlement" && a.MinAvailableAmount < 0);
    }

    /// <summary>
    /// Events of each payout are 0..n in order and in one partition, the last tells the payout as it is; what was sent
    /// twice was sent twice because of a disturbance.
    /// </summary>
    /// <returns>How many records there are, and how many of them are repeated.</returns>
    public async Task<(int Records, int Duplicates)> CheckEventsAsync(
        IReadOnlyDictionary<string, PayoutStatus> told, IReadOnlyCollection<DateTime> disturbances)
    {
        var stored = await ListPayoutsAsync();
        var expected = stored.Sum(p => p.SequenceId + 1);
        var records = Topic.ReadUntil(
            peers.BootstrapServers,
            KafkaOptions.DefaultTopic,
            read => read.Count >= expected && read.Select(r => (r.PayoutId, r.Event.SequenceId)).Distinct().Count() >= expected);
        var histories = records.ToLookup(r => r.PayoutId);
        foreach (var (id, sequenceId) in stored)
        {
            Assert.Single(histories[id].Select(r => r.Partition).Distinct());
            Assert.Equal(Enumerable.Range(0, sequenceId + 1), histories[id].Select(r => r.Event.SequenceId).Distinct());
            Assert.Equal(told[id], histories[id].MaxBy(r => r.Event.SequenceId)!.Event.Payout!.Status);
        }

        foreach (var copies in records.GroupBy(r => (r.PayoutId, r.Event.SequenceId)).Where(copies => copies.Count() > 1))
        {
            foreach (var (copy, next) in copies.Zip(copies.Skip(1)))
            {
                Assert.True(
                    disturbances.Any(at => at >= copy.SentAt - Aftereffect && at <= next.SentAt),
                    $"{copies.Key} was sent at {copy.SentAt:O} and again at {next.SentAt:O} for no reason");
            }
        }

        return (records.Count, records.Count - expected);
    }

    private async Task<IReadOnlyList<(string Id, int SequenceId)>> ListPayoutsAsync()
    {
        await using var source = NpgsqlDataSource.Create(peers.ConnectionString);
        return await QueryAsync(source, "SELECT payout_id, sequence_id FROM pm.payout ORDER BY payout_id");
    }

    private static async Task<IReadOnlyList<(string Id, int SequenceId)>> QueryAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<(string, int)>();
        while (await reader.ReadAsync())
            rows.Add((reader.GetString(0), reader.GetInt32(1)));
        return rows;
    }
}
