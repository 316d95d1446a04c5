using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing;
using Xunit.Abstractions;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>Starting on the predecessor's database: it is added to and nothing else, while the predecessor uses it.</summary>
public sealed class AdoptionTests(ITestOutputHelper output)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task What_is_missing_is_added_and_nothing_else_is_touched_by_several_hosts_at_once()
    {
        await using var database = await IncumbentDatabase.CreateAsync(payouts: 8);
        var before = await database.DescribeAsync();

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => AdoptAsync(database))));

        var after = await database.DescribeAsync();
        Assert.Empty(before.Except(after));
        Assert.Equal(
            [
                "column payout.hold_attempt integer not null 1",
                "column payout.request_digest character varying",
                "index CREATE INDEX cash_flow_posting_payout_id_idx ON pm.cash_flow_posting USING btree (payout_id)",
                "label FAILED of payout_status",
                "label SYSTEM_SUBAGENT of account_type",
                "label WALLET_RECEIVER_DESTINATION of account_type",
                "label WALLET_RECEIVER_SETTLEMENT of account_type",
                "label WALLET_SENDER_SETTLEMENT of account_type",
                "label WALLET_SENDER_SOURCE of account_type",
            ],
            after.Except(before)
                .Where(line => !line.StartsWith("file", StringComparison.Ordinal) && !IsOfOurTables(line))
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Adopted_again_it_stays_as_it_is()
    {
        await using var database = await IncumbentDatabase.CreateAsync(payouts: 8);
        await AdoptAsync(database);
        var before = await database.DescribeAsync();

        await AdoptAsync(database);

        Assert.Equal(before, await database.DescribeAsync());
    }

    [Fact]
    public async Task Payouts_of_every_status_are_read()
    {
        await using var database = await IncumbentDatabase.CreateAsync(payouts: 4);
        await database.ExecuteAsync(
            """
            UPDATE pm.payout SET payout_tool_id = NULL WHERE payout_id = 'old-4';
            UPDATE pm.payout SET cancel_details = repeat('x', 10000) WHERE payout_id = 'old-3'
            """);
        await using var services = await AdoptAsync(database);
        var payouts = services.GetRequiredService<IPayoutStore>();

        Assert.Equal((PayoutStatus.Unpaid, null), await ReadAsync("old-4"));
        Assert.Equal((PayoutStatus.Paid, "tool-1"), await ReadAsync("old-1"));
        Assert.Equal((PayoutStatus.Confirmed, "tool-1"), await ReadAsync("old-2"));
        var (cancelled, _) = await ReadAsync("old-3");
        Assert.Equal((PayoutState.Cancelled, new string('x', 10_000)), (cancelled.State, cancelled.Details));

        async Task<(PayoutStatus, string?)> ReadAsync(string id)
        {
            var payout = (await payouts.FindAsync(new PayoutId(id), None))!;
            Assert.Equal((97_500, 2_500, 2), (payout.Amount.Amount, payout.Fee.Amount, payout.CashFlow.Count));
            return (payout.Status, payout.PayoutToolId?.Value);
        }
    }

    /// <summary>Its statements, with the columns that it knows.</summary>
    [Fact]
    public async Task The_predecessor_can_still_read_and_write_its_tables()
    {
        await using var database = await IncumbentDatabase.CreateAsync(payouts: 4);
        await using var services = await AdoptAsync(database);

        await database.ExecuteAsync(
            """
            INSERT INTO pm.payout (sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, fee, currency_code, cancel_details)
            VALUES (0, 'new', '2026-01-02 03:04:05', 'party-1', 'shop-1', 'UNPAID', 'tool-1', 1, 0, 'RUB', NULL);
            INSERT INTO pm.cash_flow_posting (payout_id, created_at, from_account_id, from_account_type, to_account_id, to_account_type, amount, currency_code, description)
            VALUES ('new', '2026-01-02 03:04:05', 10, 'MERCHANT_SETTLEMENT', 12, 'MERCHANT_PAYOUT', 1, 'RUB', NULL);
            UPDATE pm.payout SET status = 'CONFIRMED', sequence_id = sequence_id + 1, cancel_details = NULL WHERE payout_id = 'new'
            """);

        Assert.Equal(
            ["new CONFIRMED 1", "old-1 PAID 1", "old-2 CONFIRMED 2", "old-3 CANCELLED 3", "old-4 UNPAID 0"],
            await database.QueryAsync(
                "SELECT concat_ws(' ', payout_id, status, sequence_id) FROM pm.payout ORDER BY payout_id COLLATE \"C\" FOR UPDATE"));
        var payout = await services.GetRequiredService<IPayoutStore>().FindAsync(new PayoutId("new"), None);
        Assert.Equal(PayoutStatus.Confirmed, payout!.Status);
    }

    [Fact]
    public async Task An_adoption_that_was_cut_off_is_finished()
    {
        await using var database = await IncumbentDatabase.CreateAsync(payouts: 8);
        await AdoptAsync(database);
        var whole = await database.DescribeAsync();
        await database.ExecuteAsync(
            """
            DELETE FROM pm.payout_manager_migration;
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'pm.cash_flow_posting_payout_id_idx'::regclass
            """);

        await AdoptAsync(database);

        Assert.Equal(WithoutFiles(whole), WithoutFiles(await database.DescribeAsync()));
    }

    [Fact]
    public async Task Who_reads_for_long_delays_the_adoption_and_nobody_else()
    {
        await using var database = await IncumbentDatabase.CreateAsync(payouts: 8);
        await using var reading = await database.OpenAsync();
        await using var transaction = await reading.BeginTransactionAsync();
        await using var read = new NpgsqlCommand("SELECT count(*) FROM pm.payout", reading, transaction);
        await read.ExecuteScalarAsync();

        var adoption = AdoptAsync(database);
        while (!adoption.IsCompleted)
            Assert.Equal(["8"], await database.QueryAsync("SELECT count(*)::text FROM pm.payout"));

        var refused = await Assert.ThrowsAnyAsync<Exception>(() => adoption);
        Assert.Equal(PostgresErrorCodes.LockNotAvailable, Assert.IsType<PostgresException>(refused.GetBaseException()).SqlState);
        await transaction.CommitAsync();
        await AdoptAsync(database);
    }

    [Fact]
    public async Task A_million_payouts_are_adopted_while_they_are_read_and_written()
    {
        await using var database = await IncumbentDatabase.CreateAsync(payouts: 1_000_000);
        using var end = new CancellationTokenSource();
        var statements = 0;
        var incumbent = Task.Run(async () =>
        {
            for (var n = 1; !end.IsCancellationRequested; n++, statements++)
            {
                Assert.Equal(
                    [$"old-{n}"], await database.QueryAsync($"SELECT payout_id FROM pm.payout WHERE payout_id = 'old-{n}'"));
                await database.ExecuteAsync($"UPDATE pm.payout SET fee = fee + 0 WHERE payout_id = 'old-{n}'");
            }
        });

        var began = TimeProvider.System.GetTimestamp();
        await AdoptAsync(database);
        var took = TimeProvider.System.GetElapsedTime(began);
        var meanwhile = Volatile.Read(ref statements);
        var again = TimeProvider.System.GetTimestamp();
        await AdoptAsync(database);
        var tookAgain = TimeProvider.System.GetElapsedTime(again);
        await end.CancelAsync();
        await incumbent;

        Assert.True(meanwhile > 0, "nobody could read while the database was adopted");
        Report.Write(
            output,
            $"Adoption of 1,000,000 payouts with 2,000,000 postings: {took.TotalSeconds:F1} s, and again {tookAgain.TotalSeconds:F1} s; "
            + $"meanwhile {meanwhile} payouts were read and written by somebody else.");
    }

    private static async Task<ServiceProvider> AdoptAsync(IncumbentDatabase database)
    {
        var services = new ServiceCollection().AddStorage(database.Options).BuildServiceProvider();
        for (var tries = 1; ; tries++)
        {
            try
            {
                await services.GetRequiredService<DatabaseMigrator>().MigrateAsync(None);
                return services;
            }
            catch (NotDoneException) when (tries < 30)
            {
                // A statement gave up rather than make others wait behind it. A host tries again, too.
                await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
            }
        }
    }

    private static bool IsOfOurTables(string line) =>
        ((string[])["payout_operation", "payout_event", "event_outbox", "relay_lane", "relay_host", "relay_lease", "audit_progress", "audit_finding", "payout_manager_migration"]).Any(table =>
            line.Contains(table, StringComparison.Ordinal));

    private static IEnumerable<string> WithoutFiles(IEnumerable<string> lines) =>
        lines.Where(line => !line.StartsWith("file", StringComparison.Ordinal));
}
