using PayoutManager.Host.Configuration;
using PayoutManager.Host.Tests.Deployment;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Testing;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>A host deletes what is too old, and payouts go on as if it were there.</summary>
public sealed class RetentionTests : IAsyncLifetime
{
    private PostgresPeers _peers = null!;

    public async Task InitializeAsync() => _peers = await PostgresPeers.StartAsync();

    public async Task DisposeAsync() => await _peers.DisposeAsync();

    [Fact]
    public async Task An_id_whose_note_of_spent_attempts_is_deleted_is_used_again_by_the_next_plan_and_never_by_another_request()
    {
        await using (var host = await StartAsync())
        {
            Assert.Equal("InsufficientFunds", (await host.CreateAsync("again", amount: 20_000_000)).Refusal);
            Assert.Equal("InsufficientFunds", (await host.CreateAsync("other", amount: 20_000_000)).Refusal);
            Assert.Equal("InsufficientFunds", (await host.CreateAsync("young", amount: 20_000_000)).Refusal);
        }

        await Sql.ExecuteAsync(
            _peers.ConnectionString, "UPDATE pm.payout_operation SET started_at = now() - interval '31 days' WHERE payout_id <> 'young'");
        _peers.Sandbox.Parties.Deposit(10, 1_000_000_000);
        await using (var host = await StartAsync())
        {
            await Sql.UntilAsync(async () => await NotesAsync() is ["young"]);

            Assert.Equal("again", (await host.CreateAsync("again", amount: 20_000_000)).Payout!.PayoutId);
            var refused = await Assert.ThrowsAsync<WoodyCallException>(() => host.CreateAsync("other", amount: 100_000));
            Assert.Equal("500 the ledger refused the payout's plan", refused.Message);
            Assert.Equal("young", (await host.CreateAsync("young", amount: 100_000)).Payout!.PayoutId);

            var metrics = await Metrics.ReadAsync(host.Http, host.ManagementUrl);
            Assert.Equal(2, metrics.Sum("payouts_retention_pruned_total", ("what", "spent attempts")));
            Assert.True(metrics.Sum("payouts_retention_passes_total", ("what", "spent attempts")) >= 1);
        }

        Assert.Equal(
            [
                ("payout#2_again", PlanState.Held), ("payout#2_young", PlanState.Held), ("payout_again", PlanState.RolledBack),
                ("payout_other", PlanState.RolledBack), ("payout_young", PlanState.RolledBack),
            ],
            _peers.Plans("").Select(plan => (plan.Key, plan.Value)).OrderBy(plan => plan.Key, StringComparer.Ordinal));
        // What was refused leaves a note, too.
        Assert.Equal(["other"], await NotesAsync());
    }

    [Fact]
    public async Task A_payout_whose_history_is_deleted_is_cancelled_with_the_next_event_and_every_audit_agrees()
    {
        await using (var host = await StartAsync())
        {
            foreach (var id in (string[])["confirmed", "cancelled", "unpaid"])
                await host.CreateAsync(id);
            await host.ConfirmAsync("confirmed");
            await host.CancelAsync("cancelled");
            _peers.ReadEvents(5);
            await Sql.UntilAsync(async () => await Sql.QueryAsync(_peers.ConnectionString, "SELECT payout_id FROM pm.event_outbox") is []);
        }

        await Sql.ExecuteAsync(_peers.ConnectionString, "UPDATE pm.payout_event SET stored_at = now() - interval '3 days'");
        await using (var host = await StartAsync(("Retention:Events", "2.00:00:00")))
        {
            await Sql.UntilAsync(async () => await EventsAsync() is ["cancelled 1", "confirmed 1", "unpaid 0"]);
            await AssertAuditAgreesAsync();

            await host.CancelAsync("confirmed");

            Assert.Equal(["cancelled 1", "confirmed 1", "confirmed 2", "unpaid 0"], await EventsAsync());
            Assert.Equal([0, 1, 2], _peers.ReadEvents(6).Where(e => e.PayoutId == "confirmed").Select(e => e.Event.SequenceId));
            await Sql.UntilAsync(async () => await Sql.QueryAsync(_peers.ConnectionString, "SELECT payout_id FROM pm.event_outbox") is []);
            await AssertAuditAgreesAsync();
            Assert.IsType<PayoutStatus.cancelled>((await host.GetAsync("confirmed")).Status);
        }
    }

    [Theory]
    [InlineData("Retention__SpentAttempts", "1.00:00:00", null)]
    [InlineData("Retention__SpentAttempts", "00:00:00", null)]
    [InlineData("Retention__Events", "400.00:00:00", null)]
    [InlineData("Retention__Events", "23:59:59", "Retention:Events: must be 00:00:00 for ever, or at least 1.00:00:00, is '23:59:59'")]
    [InlineData("Retention__SpentAttempts", "30 days", "Retention:SpentAttempts: must be a duration hh:mm:ss from 00:00:00 to 36500.00:00:00, is '30 days'")]
    [InlineData("Retention__Event", "400.00:00:00", "Retention:Event: is unknown. Did you mean Retention:Events?")]
    public void A_period_is_for_ever_or_at_least_a_day(string key, string value, string? error)
    {
        KeyValuePair<string, string>[] variables =
        [
            new("ConnectionStrings__Payouts", "Host=db"), new("PartyManagement__Url", "http://p"), new("Shumway__Url", "http://s"),
            new("Kafka__BootstrapServers", "k:9092"), new(key, value),
        ];

        if (error is null)
            Assert.Contains(TimeSpan.Parse(value), (TimeSpan[])[DeployedFiles.Settings(variables).Retention.SpentAttempts, DeployedFiles.Settings(variables).Retention.Events]);
        else
            Assert.EndsWith($":\n  {error}", Assert.Throws<InvalidConfigurationException>(() => DeployedFiles.Settings(variables)).Message, StringComparison.Ordinal);
    }

    private async Task<RunningHost> StartAsync(params (string Key, string Value)[] changes)
    {
        var host = await RunningHost.StartAsync([.. _peers.Configuration, .. changes]);
        await Sql.UntilAsync(async () => (await host.Http.GetAsync(new Uri(host.ManagementUrl, "health/ready"))).IsSuccessStatusCode);
        return host;
    }

    private async Task AssertAuditAgreesAsync()
    {
        var audit = await AuditRunner.RunAsync(_peers, "--since", "2020-01-01T00:00:00Z");
        Assert.True(audit.FoundNothing, audit.Output + audit.Errors);
    }

    private Task<IReadOnlyList<string>> NotesAsync() =>
        Sql.QueryAsync(_peers.ConnectionString, "SELECT payout_id FROM pm.payout_operation WHERE kind = 'spent' ORDER BY 1");

    private Task<IReadOnlyList<string>> EventsAsync() =>
        Sql.QueryAsync(_peers.ConnectionString, "SELECT payout_id || ' ' || sequence_id FROM pm.payout_event ORDER BY payout_id, sequence_id");
}
