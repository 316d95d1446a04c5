using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Application.Events;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Infrastructure.Storage.Postgres;
using PayoutManager.Testing;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>A host whose user has the rights that the health check asks for, and no other.</summary>
public sealed class RightsTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly InMemoryLedger _ledger = new();
    private string _connectionString = "";
    private string _role = "";
    private StorageHost _host = null!;

    public async Task InitializeAsync()
    {
        _connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        await StorageHost.MigrateAsync(_connectionString);
        _role = new NpgsqlConnectionStringBuilder(_connectionString).Database + "_host";
        await Sql.ExecuteAsync(
            _connectionString,
            $"""
            CREATE ROLE {_role};
            GRANT USAGE ON SCHEMA pm TO {_role};
            GRANT SELECT ON pm.payout_manager_migration TO {_role};
            GRANT USAGE ON SEQUENCE pm.payout_id_seq, pm.cash_flow_posting_id_seq TO {_role};
            {string.Concat(PostgresRoutine.Rights.Select(right => $"GRANT {right} TO {_role};"))}
            """);
        _host = new StorageHost($"{_connectionString};Options=-c role={_role}", _ledger);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task They_are_enough_for_all_that_a_host_does()
    {
        Assert.Null(await FindFaultAsync());

        await _host.CreateAsync("p1");
        await _host.ConfirmAsync("p1");
        await _host.CancelAsync("p1");
        // Comes to recovery, and to a second attempt.
        _ledger.Fail("Hold", new OutcomeUnknownException("lost"));
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _host.CreateAsync("p2"));
        Assert.Equal(1, await _host.RecoverAsync());
        Assert.Equal("payout#2_p2", (await _host.CreateAsync("p2")).HoldPlan.Id);
        var outbox = _host.Services.GetRequiredService<IEventOutbox>();
        await outbox.ReadLanesAsync(None);
        int[] lanes = [.. Enumerable.Range(0, EventLane.Count)];
        Assert.Equal(lanes, (await outbox.LeaseLanesAsync("me", lanes, TimeSpan.FromMinutes(1), None)).Order());
        var page = await outbox.ReadAsync(new OutboxQuery(lanes, OutboxPosition.Beginning, 10, []), None);
        await outbox.AcknowledgeAsync([.. page.OfLanes], None);
        await outbox.ReleaseLanesAsync("me", lanes, None);
        await outbox.LeaveAsync("me", None);
        await _host.Services.GetRequiredService<IBacklog>().ReadAsync(None);
        var history = _host.Services.GetRequiredService<IPayoutHistory>();
        Assert.Equal(3, (await history.ReadAsync(new PayoutId("p1"), None)).Events.Count);
        Assert.Equal(4, (await history.ListChangesAsync(AuditPosition.Beginning, TimeSpan.Zero, 10, None)).Changes.Count);
        Assert.Equal("p2", (await history.ListWithoutEventsAsync("", 10, None)).Last);
        var progress = _host.Services.GetRequiredService<IAuditProgress>();
        var position = (await progress.ReadAsync(AuditScope.Changes, None)).Position;
        Assert.Equal(position, await progress.LeaseAsync(AuditScope.Changes, "me", TimeSpan.FromMinutes(1), None));
        Assert.True(await progress.AdvanceAsync(AuditScope.Changes, "me", position, position, None));
        await progress.ReleaseAsync(AuditScope.Changes, "me", None);
        var findings = _host.Services.GetRequiredService<IAuditFindings>();
        var finding = new NewAuditFinding(new PayoutId("p1"), "PlanMissing", "It is gone.", Disagrees: true, DateTimeOffset.UnixEpoch);
        Assert.True(await findings.StoreAsync(finding, None));
        Assert.False(await findings.StoreAsync(finding, None));
        Assert.Equal(1, (await findings.CountAsync(None)).Disagreeing);
        Assert.Single(await findings.ListAsync(DateTimeOffset.MaxValue, "", 10, None));
        await findings.RemoveAsync([new PayoutId("p1")], None);
        await history.SendAgainAsync(new PayoutId("p1"), 0, None);
    }

    [Fact]
    public async Task Each_that_is_missing_is_named()
    {
        foreach (var right in PostgresRoutine.Rights)
        {
            await Sql.ExecuteAsync(_connectionString, $"REVOKE {right} FROM {_role}");
            Assert.Equal($"no right to {right}", await FindFaultAsync());
            await Sql.ExecuteAsync(_connectionString, $"GRANT {right} TO {_role}");
        }

        await Sql.ExecuteAsync(_connectionString, $"REVOKE USAGE ON SEQUENCE pm.payout_id_seq FROM {_role}");
        Assert.Equal("no right to USAGE on pm.payout_id_seq", await FindFaultAsync());
        await Sql.ExecuteAsync(_connectionString, $"REVOKE SELECT ON pm.payout_manager_migration FROM {_role}");
        Assert.Equal("refuses: 42501: permission denied for table payout_manager_migration", await FindFaultAsync());
        await Sql.ExecuteAsync(_connectionString, $"REVOKE USAGE ON SCHEMA pm FROM {_role}");
        Assert.Equal("refuses: 42501: permission denied for schema pm", await FindFaultAsync());
    }

    /// <summary>Statements that are refused while they are prepared are not taken for prepared (npgsql#6391).</summary>
    [Fact]
    public async Task What_was_refused_for_a_right_is_done_once_it_is_there()
    {
        await _host.CreateAsync("p1");
        var payouts = _host.Services.GetRequiredService<IPayoutStore>();
        await Sql.ExecuteAsync(_connectionString, $"REVOKE SELECT ON pm.payout FROM {_role}");
        for (var i = 0; i < 4; i++)
            await Assert.ThrowsAsync<NotDoneException>(() => payouts.FindAsync(new PayoutId("p1"), None));

        await Sql.ExecuteAsync(_connectionString, $"GRANT SELECT ON pm.payout TO {_role}");

        Assert.Equal("p1", (await payouts.FindAsync(new PayoutId("p1"), None))!.Id.Value);
    }

    private Task<string?> FindFaultAsync() => _host.Services.GetRequiredService<DatabaseMigrator>().FindFaultAsync(None);
}
