using Npgsql;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Infrastructure.Shumway;
using PayoutManager.Testing;

namespace PayoutManager.Infrastructure.Tests.Shumway;

public sealed class ShumwayRecordsTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task States_and_postings_are_read_for_many_plans_at_once()
    {
        var database = await LedgerDatabase.CreateAsync();
        var payout = Payouts.Unpaid("p1");
        await database.PutAsync(payout.HoldPlan, "COMMIT");
        await database.PutAsync(payout.RevertPlan(1), "ROLLBACK");
        await database.PutAsync(payout.RevertPlan(2), "HOLD");
        await database.PutAsync(Payouts.Unpaid("somebody-else").HoldPlan, "HOLD");
        await using var records = new ShumwayRecords(database.ConnectionString);

        var plans = await records.ReadAsync(["payout_p1", "payout#2_p1", "revert_payout_p1", "revert#2_payout_p1"], None);

        Assert.Equal(
            [("payout_p1", RecordedState.Committed), ("revert#2_payout_p1", RecordedState.Held), ("revert_payout_p1", RecordedState.RolledBack)],
            plans.Select(p => (p.Key, p.Value.State)).OrderBy(p => p.Key, StringComparer.Ordinal));
        Assert.Equal(payout.HoldPlan.Postings, plans["payout_p1"].Postings);
        Assert.Equal(payout.RevertPlan(1).Postings, plans["revert_payout_p1"].Postings);
        Assert.All(plans.Values, plan => Assert.True(plan.IsOneBatch));
    }

    [Fact]
    public async Task A_batch_that_is_not_ours_and_a_plan_without_postings_are_told()
    {
        var database = await LedgerDatabase.CreateAsync();
        var plan = Payouts.Unpaid("p1").HoldPlan;
        await database.PutAsync(plan, "HOLD");
        await database.PutAsync(plan, "HOLD", batchId: 2);
        await database.PutAsync(LedgerPlan.Restore("payout_p2", []), "HOLD");
        await using var records = new ShumwayRecords(database.ConnectionString);

        var plans = await records.ReadAsync(["payout_p1", "payout_p2"], None);

        Assert.False(plans["payout_p1"].IsOneBatch);
        Assert.Empty(plans["payout_p2"].Postings);
    }

    /// <summary>Even where reading would write.</summary>
    [Fact]
    public async Task Nothing_can_be_written()
    {
        var database = await LedgerDatabase.CreateAsync();
        await Sql.ExecuteAsync(
            database.ConnectionString,
            """
            ALTER TABLE shm.plan_log RENAME TO real_plan_log;
            CREATE FUNCTION shm.touch() RETURNS boolean LANGUAGE sql VOLATILE AS
                $$ INSERT INTO shm.real_plan_log VALUES ('touched', 1, 'HOLD', now()) RETURNING true $$;
            INSERT INTO shm.real_plan_log VALUES ('payout_p1', 1, 'HOLD', now());
            CREATE VIEW shm.plan_log AS SELECT * FROM shm.real_plan_log WHERE shm.touch()
            """);
        await using var records = new ShumwayRecords(database.ConnectionString);

        var e = await Assert.ThrowsAsync<NotDoneException>(() => records.ReadAsync(["payout_p1"], None));

        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, Assert.IsType<PostgresException>(e.InnerException).SqlState);
    }

    [Fact]
    public async Task A_database_that_cannot_be_read_is_not_done()
    {
        var empty = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        await using var elsewhere = new ShumwayRecords(empty);
        await using var nowhere = new ShumwayRecords($"Host=127.0.0.1;Port={Ports.Free()};Username=nobody;Password=secret");

        var noTables = await Assert.ThrowsAsync<NotDoneException>(() => elsewhere.ReadAsync(["payout_p1"], None));
        var noServer = await Assert.ThrowsAsync<NotDoneException>(() => nowhere.ReadAsync(["payout_p1"], None));

        Assert.Contains("shm.plan_log", Explanation.Of(noTables), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", Explanation.Of(noServer), StringComparison.Ordinal);
    }
}
