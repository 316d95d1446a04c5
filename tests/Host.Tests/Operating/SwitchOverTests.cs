using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;
using Ledger = PayoutManager.Thrift.Accounting;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>A host that starts on what its predecessor has left: database and ledger.</summary>
public sealed class SwitchOverTests : IAsyncLifetime
{
    private readonly HttpClient _http = new(WoodyClient.CreateHandler());
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync()
    {
        _peers = await PostgresPeers.StartAsync();
        await ExecuteAsync(await File.ReadAllTextAsync(
            Path.Combine(Repository.Root, "tests/Infrastructure.Tests/Storage/incumbent.sql")));
    }

    public async Task DisposeAsync()
    {
        await _peers.DisposeAsync();
        _http.Dispose();
    }

    [Fact]
    public async Task Payouts_of_the_predecessor_are_read_confirmed_and_cancelled_and_events_go_on()
    {
        foreach (var id in (string[])["to-confirm", "to-cancel"])
            await LeaveAsync(id, "UNPAID", sequenceId: 0);
        await LeaveAsync("was-paid", "PAID", sequenceId: 1);
        await LeaveAsync("was-cancelled", "CANCELLED", sequenceId: 1, details: "their words");
        await LeaveAsync("was-confirmed", "CONFIRMED", sequenceId: 1, committed: true);
        using var host = HostProcess.Start(_peers);
        using var another = HostProcess.Start(_peers);
        await host.UntilReadyAsync();
        await another.UntilReadyAsync();

        Assert.Equal(new PayoutStatus.paid(new PayoutPaid()), (await GetAsync("was-paid")).Status);
        Assert.Equal(new PayoutStatus.cancelled(new PayoutCancelled("their words")), (await GetAsync("was-cancelled")).Status);
        Assert.Equal(2, (await GetAsync("to-confirm")).CashFlow!.Count);
        await ConfirmAsync("to-confirm");
        await CancelAsync("to-cancel");
        await ConfirmAsync("was-paid");
        await CancelAsync("was-confirmed");

        Assert.Equal(PlanState.Committed, _peers.Plans("to-confirm")["payout_to-confirm"]);
        Assert.Equal(PlanState.RolledBack, _peers.Plans("to-cancel")["payout_to-cancel"]);
        Assert.Equal(PlanState.Committed, _peers.Plans("was-paid")["payout_was-paid"]);
        Assert.Equal(PlanState.Committed, _peers.Plans("was-confirmed")["revert_payout_was-confirmed"]);
        Assert.Equal(
            [("to-cancel", 1), ("to-confirm", 1), ("was-confirmed", 2), ("was-paid", 2)],
            _peers.ReadEvents(4).Select(e => (e.PayoutId, e.Event.SequenceId)).Order());
        var audit = await AuditRunner.RunAsync(_peers);
        Assert.True(audit.FoundNothing, $"{audit}");

        // As the predecessor would look at them, were it to come back.
        Assert.Equal(
            [
                "to-cancel CANCELLED 1 why", "to-confirm CONFIRMED 1", "was-cancelled CANCELLED 1 their words",
                "was-confirmed CANCELLED 2 why", "was-paid CONFIRMED 2",
            ],
            await QueryAsync("SELECT concat_ws(' ', payout_id, status, sequence_id, cancel_details) FROM pm.payout ORDER BY payout_id"));

        async Task<Payout> GetAsync(string id) =>
            (await host.CallAsync<Calls.GetPayout_result>("GetPayout", new Calls.GetPayout_args { PayoutId = id })).Success!;

        async Task ConfirmAsync(string id) => Assert.Null(
            (await host.CallAsync<Calls.ConfirmPayout_result>("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = id })).Ex1);

        async Task CancelAsync(string id) => Assert.Null(
            (await another.CallAsync<Calls.CancelPayout_result>(
                "CancelPayout", new Calls.CancelPayout_args { PayoutId = id, Details = "why" })).Ex1);
    }

    /// <summary>A payout as the predecessor leaves it: rows, and a plan by its name in the ledger.</summary>
    private async Task LeaveAsync(string id, string status, int sequenceId, string? details = null, bool committed = false)
    {
        await ExecuteAsync(
            $"""
            INSERT INTO pm.payout (sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, fee, currency_code, cancel_details)
            VALUES ({sequenceId}, '{id}', '2021-09-10 12:34:56.789', 'party-1', 'shop-1', '{status}', 'tool-1', 97500, 2500, 'RUB', {(details is null ? "NULL" : $"'{details}'")});
            INSERT INTO pm.cash_flow_posting (payout_id, created_at, from_account_id, from_account_type, to_account_id, to_account_type, amount, currency_code, description)
            VALUES ('{id}', '2021-09-10 12:34:56.789', 10, 'MERCHANT_SETTLEMENT', 12, 'MERCHANT_PAYOUT', 97500, 'RUB', NULL),
                   ('{id}', '2021-09-10 12:34:56.789', 10, 'MERCHANT_SETTLEMENT', 1, 'SYSTEM_SETTLEMENT', 2500, 'RUB', 'fee')
            """);
        var batch = new Ledger.PostingBatch(
            1,
            [new Ledger.Posting(10, 12, 97_500, "RUB", $"PAYOUT-{id}"), new Ledger.Posting(10, 1, 2_500, "RUB", "fee")]);
        var ledger = new WoodyClient(_http, _peers.Sandbox.ShumwayUrl, TimeSpan.FromSeconds(10), TimeProvider.System);
        Assert.Null((await ledger.CallAsync<Ledger.Accounter.InternalStructs.Hold_result>(
            "Hold",
            new Ledger.Accounter.InternalStructs.Hold_args { PlanChange = new Ledger.PostingPlanChange($"payout_{id}", batch) },
            CancellationToken.None)).E2);
        if (!committed && details is null)
            return;
        var plan = new Ledger.PostingPlan($"payout_{id}", [batch]);
        if (committed)
        {
            Assert.Null((await ledger.CallAsync<Ledger.Accounter.InternalStructs.CommitPlan_result>(
                "CommitPlan", new Ledger.Accounter.InternalStructs.CommitPlan_args { Plan = plan }, CancellationToken.None)).E2);
        }
        else
        {
            Assert.Null((await ledger.CallAsync<Ledger.Accounter.InternalStructs.RollbackPlan_result>(
                "RollbackPlan", new Ledger.Accounter.InternalStructs.RollbackPlan_args { Plan = plan }, CancellationToken.None)).E2);
        }
    }

    private Task ExecuteAsync(string sql) => Sql.ExecuteAsync(_peers.ConnectionString, sql);

    private Task<IReadOnlyList<string>> QueryAsync(string sql) => Sql.QueryAsync(_peers.ConnectionString, sql);
}
