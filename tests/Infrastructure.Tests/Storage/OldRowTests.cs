using Microsoft.Extensions.DependencyInjection;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>Rows of predecessors that break today's rules are read and changed as they are.</summary>
public sealed class OldRowTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly string Long = new('x', 300);

    private readonly InMemoryLedger _ledger = new();
    private string _connectionString = "";
    private StorageHost _host = null!;

    public async Task InitializeAsync()
    {
        _connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        await StorageHost.MigrateAsync(_connectionString);
        _host = new StorageHost(_connectionString, _ledger);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_payout_whose_ids_and_currency_break_the_rules_is_read_confirmed_listed_and_sent()
    {
        await InsertAsync(Long, "UNPAID", party: "", shop: Long, tool: Long, currency: "rub");

        var payout = await _host.GetAsync(Long);
        Assert.Equal(
            (Long, "", Long, Long, "rub"),
            (payout.Id.Value, payout.PartyId.Value, payout.ShopId.Value, payout.PayoutToolId!.Value, payout.Amount.Currency.Code));
        Assert.Equal("rub", Assert.Single(payout.CashFlow).Volume.Currency.Code);

        await _ledger.HoldAsync(payout.HoldPlan, None);
        await _host.ConfirmAsync(Long);

        Assert.Equal(PayoutStatus.Confirmed, (await _host.GetAsync(Long)).Status);
        Assert.Equal(PlanState.Committed, _ledger.Plans[payout.HoldPlan.Id]);
        var sent = await _host.Services.GetRequiredService<IEventOutbox>().ReadAllAsync();
        Assert.Equal((Long, 1), (Assert.Single(sent).PayoutId.Value, sent[0].SequenceId));
        var history = _host.Services.GetRequiredService<IPayoutHistory>();
        Assert.Equal(Long, Assert.Single((await history.ListChangesAsync(AuditPosition.Beginning, TimeSpan.Zero, 10, None)).Changes).PayoutId.Value);
        Assert.True(Assert.Single((await history.ReadAsync(PayoutId.Restore(Long), None)).Events).ShowsPayoutAsStored);
    }

    [Fact]
    public async Task An_operation_on_such_a_payout_is_found_and_finished()
    {
        await InsertAsync(Long, "UNPAID", party: "", shop: "", tool: null, currency: "r");
        var payout = await _host.GetAsync(Long);
        await _ledger.HoldAsync(payout.HoldPlan, None);
        var left = Assert.IsType<Intended.Started>(await _host.Operations.IntendAsync(
            payout.Id, new CancelIntent("why"), 0, Operation.NewOwner(), null, TimeSpan.FromMinutes(1), None));
        await _host.Operations.ReleaseAsync(left.Operation, failure: null, None);
        Assert.Equal([payout.Id], await _host.Operations.ListDueAsync());

        Assert.Equal(1, await _host.RecoverAsync());

        Assert.Equal(PayoutState.Cancelled, (await _host.GetAsync(Long)).Status.State);
        Assert.Equal(PlanState.RolledBack, _ledger.Plans[payout.HoldPlan.Id]);
    }

    [Fact]
    public async Task A_creation_that_was_written_down_under_other_rules_goes_back()
    {
        await Sql.ExecuteAsync(
            _connectionString,
            $$"""
            INSERT INTO pm.payout_operation (payout_id, kind, attempt, owner, lease_until, request) VALUES ('{{Long}}', 'create', 1, 'gone', now(),
                '{"partyId": "", "shopId": "", "amount": 100, "currency": "rub", "payoutToolId": "", "idIsOurs": false,
                  "createdAt": "2021-09-10T12:34:56Z", "chosenPayoutToolId": "{{Long}}", "cashFlow": [
                      {"fromType": "MerchantSettlement", "from": 10, "toType": "MerchantPayout", "to": 12, "amount": 100, "currency": "rub"}]}')
            """);

        Assert.Equal(1, await _host.RecoverAsync());

        Assert.Equal([PlanState.RolledBack], _ledger.Plans.Values);
    }

    [Fact]
    public async Task A_failed_payout_is_read_and_not_changed()
    {
        await InsertAsync("p1", "FAILED", "party-1", "shop-1", "tool-1", "RUB");

        Assert.Equal(PayoutStatus.Failed, (await _host.GetAsync("p1")).Status);
        await Assert.ThrowsAsync<InvalidPayoutStateException>(() => _host.ConfirmAsync("p1"));
        await Assert.ThrowsAsync<InvalidPayoutStateException>(() => _host.CancelAsync("p1"));
        Assert.Null((await Assert.ThrowsAsync<PayoutAlreadyExistsException>(() => _host.CreateAsync("p1"))).IsSameRequest);
        Assert.Empty(_ledger.Calls);
    }

    private Task InsertAsync(string id, string status, string party, string shop, string? tool, string currency) => Sql.ExecuteAsync(
        _connectionString,
        $"""
        INSERT INTO pm.payout (sequence_id, payout_id, created_at, party_id, shop_id, status, payout_tool_id, amount, currency_code)
        VALUES (0, '{id}', '2021-09-10 12:34:56.789012', '{party}', '{shop}', '{status}', {(tool is null ? "NULL" : $"'{tool}'")}, 97500, '{currency}');
        INSERT INTO pm.cash_flow_posting (payout_id, created_at, from_account_id, from_account_type, to_account_id, to_account_type, amount, currency_code)
        VALUES ('{id}', '2021-09-10 12:34:56.789012', 10, 'MERCHANT_SETTLEMENT', 12, 'MERCHANT_PAYOUT', 97500, '{currency}')
        """);
}
