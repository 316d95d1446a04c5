using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;
using State = PayoutManager.Testing.InMemory.PlanState;

namespace PayoutManager.Application.Tests;

public class AuditTests
{
    private readonly World _world = new();

    [Theory]
    [InlineData("")]
    [InlineData("confirm")]
    [InlineData("cancel")]
    [InlineData("confirm cancel")]
    public async Task What_went_its_way_agrees_and_is_not_changed_by_the_look(string verbs)
    {
        await LiveAsync(verbs);
        var before = _world.Ledger.Plans;

        var audit = await AuditAsync();

        Assert.True(audit.Agrees, Describe(audit));
        Assert.Equal(before, _world.Ledger.Plans);
        Assert.Equal(verbs == "confirm cancel" ? ["payout_p1", "revert_payout_p1"] : ["payout_p1"], before.Keys.Order());
    }

    /// <summary>Each row moves plans against the payout; the repair makes the last column true of all of them.</summary>
    [Theory]
    [InlineData("", "payout_p1=Committed", "PayoutBehind", "Confirmed: payout_p1=Committed")]
    [InlineData("", "payout_p1=RolledBack", "PayoutBehind", "Cancelled: payout_p1=RolledBack")]
    [InlineData("", "payout#2_p1=Held", "StrayHold", "Unpaid: payout#2_p1=RolledBack payout_p1=Held")]
    [InlineData("", "revert_payout_p1=Held", "StrayHold", "Unpaid: payout_p1=Held revert_payout_p1=RolledBack")]
    [InlineData("confirm", "payout_p1=Held", "LedgerBehind", "Confirmed: payout_p1=Committed")]
    [InlineData("confirm", "revert_payout_p1=Committed", "PayoutBehind", "Cancelled: payout_p1=Committed revert_payout_p1=Committed")]
    [InlineData("confirm", "revert_payout_p1=Held", "StrayHold", "Confirmed: payout_p1=Committed revert_payout_p1=RolledBack")]
    [InlineData("cancel", "payout_p1=Held", "LedgerBehind", "Cancelled: payout_p1=RolledBack")]
    [InlineData("cancel", "payout_p1=Committed", "RevertMissing", "Cancelled: payout_p1=Committed revert_payout_p1=Committed")]
    [InlineData("cancel", "revert_payout_p1=Held", "StrayHold", "Cancelled: payout_p1=RolledBack revert_payout_p1=RolledBack")]
    [InlineData("confirm cancel", "payout_p1=Held", "LedgerBehind", "Cancelled: payout_p1=Committed revert_payout_p1=Committed")]
    [InlineData("confirm cancel", "revert_payout_p1=Held", "RevertMissing", "Cancelled: payout_p1=Committed revert_payout_p1=Committed")]
    [InlineData("confirm cancel", "revert_payout_p1=RolledBack", "RevertMissing", "Cancelled: payout_p1=Committed revert#2_payout_p1=Committed revert_payout_p1=RolledBack")]
    [InlineData("confirm cancel", "revert#2_payout_p1=Held", "StrayHold", "Cancelled: payout_p1=Committed revert#2_payout_p1=RolledBack revert_payout_p1=Committed")]
    public async Task What_the_rules_can_repair_is_named_and_repaired(string verbs, string moved, string kind, string repaired)
    {
        await LiveAsync(verbs);
        Move(moved);

        Assert.Equal([kind], (await AuditAsync()).Disagreements.Select(d => $"{d.Kind}"));
        await _world.SendAsync(new RepairPayoutCommand("p1"));
        await PublishAsync();

        var after = await AuditAsync();
        Assert.True(after.Agrees, Describe(after));
        Assert.Equal(
            repaired,
            $"{(await _world.StoredAsync())!.Status.State}: {string.Join(' ', _world.Ledger.Plans.OrderBy(p => p.Key).Select(p => $"{p.Key}={p.Value}"))}");
    }

    [Theory]
    [InlineData("", "payout#2_p1=Committed", "StrayCommit")]
    [InlineData("", "revert_payout_p1=Committed", "RevertedTooOften")]
    [InlineData("confirm", "payout_p1=RolledBack", "PlanRolledBack")]
    [InlineData("cancel", "revert_payout_p1=Committed", "RevertedTooOften")]
    [InlineData("confirm cancel", "revert#2_payout_p1=Committed", "RevertedTooOften")]
    public async Task What_only_people_can_decide_is_explained_and_left_alone(string verbs, string moved, string kind)
    {
        await LiveAsync(verbs);
        Move(moved);
        var (payout, plans) = (await _world.StoredAsync(), _world.Ledger.Plans);

        var audit = await _world.SendAsync(new RepairPayoutCommand("p1"));

        Assert.Equal([kind], audit.Disagreements.Select(d => $"{d.Kind}"));
        Assert.Null(audit.Disagreements[0].Repair);
        Assert.Equal(payout, await _world.StoredAsync());
        Assert.Equal(plans, _world.Ledger.Plans);
    }

    [Fact]
    public async Task A_plan_that_the_ledger_does_not_know_is_named_and_not_made()
    {
        var elsewhere = await new World().CreateAsync();
        _world.Store.Put(elsewhere);

        var audit = await AuditAsync();

        Assert.Equal([DisagreementKind.PlanMissing], audit.Disagreements.Select(d => d.Kind));
        Assert.Empty(_world.Ledger.Plans);
    }

    [Fact]
    public async Task Postings_that_are_not_the_payout_s_are_named()
    {
        var payout = await LiveAsync("");
        _world.Ledger.Move(LedgerPlan.Restore(payout.HoldPlan.Id, payout.HoldPlan.Postings.Skip(1)), State.Held);

        var audit = await AuditAsync();

        Assert.Equal([DisagreementKind.PlanDiffers], audit.Disagreements.Select(d => d.Kind));
        Assert.Contains("10 -> 12", audit.Disagreements[0].Description);
        Assert.Equal(State.Held, _world.Ledger.Plans["payout_p1"]);
    }

    [Fact]
    public async Task What_is_under_way_is_not_judged()
    {
        await LiveAsync("");
        _world.Ledger.Fail("Commit", new OutcomeUnknownException("lost"), afterEffect: true);
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.ConfirmAsync());

        var audit = await AuditAsync();

        Assert.True(audit is { IsUnderWay: true, Disagreements.Count: 0 });
    }

    [Fact]
    public async Task A_payout_that_changes_during_the_look_is_looked_at_again()
    {
        await LiveAsync("");
        var changed = false;
        _world.Ledger.BeforeCall = async _ =>
        {
            if (changed)
                return;
            changed = true;
            await _world.ConfirmAsync();
        };

        var audit = await AuditAsync();

        Assert.True(audit.Agrees, Describe(audit));
        Assert.Equal(PayoutState.Confirmed, (await _world.StoredAsync())!.Status.State);
    }

    [Fact]
    public async Task A_payout_that_does_not_exist_must_not_have_left_a_plan()
    {
        var lost = await new World().CreateAsync();
        Assert.True((await AuditAsync()).Agrees);

        _world.Ledger.Move(lost.HoldPlan, State.Held);
        var orphan = Assert.Single((await AuditAsync()).Disagreements);
        Assert.Equal((DisagreementKind.StrayHold, null), (orphan.Kind, orphan.Repair));

        _world.Ledger.Move(lost.HoldPlan, State.Committed);
        Assert.Equal(DisagreementKind.StrayCommit, Assert.Single((await AuditAsync()).Disagreements).Kind);
    }

    [Fact]
    public async Task A_spent_plan_that_came_to_life_is_rolled_back()
    {
        _world.Ledger.Balance = 0;
        await Assert.ThrowsAsync<InsufficientFundsException>(() => _world.CreateAsync());
        Assert.True((await AuditAsync()).Agrees);
        _world.Ledger.Move((await new World().CreateAsync()).HoldPlan, State.Held);

        Assert.Equal([DisagreementKind.StrayHold], (await AuditAsync()).Disagreements.Select(d => d.Kind));
        var after = await _world.SendAsync(new RepairPayoutCommand("p1"));

        Assert.True(after.Agrees, Describe(after));
        Assert.Equal(State.RolledBack, _world.Ledger.Plans["payout_p1"]);
    }

    [Fact]
    public async Task What_cannot_be_an_id_is_not_found() =>
        await Assert.ThrowsAsync<NotFoundException>(() => _world.SendAsync(new AuditPayoutQuery("a\nb")));

    [Fact]
    public async Task An_event_that_is_not_stored_is_named()
    {
        await LiveAsync("confirm cancel");
        _world.Store.LoseEvent("p1", 1);

        // The topic has told it, though.
        Assert.Equal(
            [DisagreementKind.EventMissing, DisagreementKind.ForeignRecord],
            (await AuditAsync()).Disagreements.Select(d => d.Kind));
    }

    [Fact]
    public async Task A_last_event_that_is_not_stored_is_named()
    {
        await LiveAsync("confirm");
        _world.Store.LoseEvent("p1", 1);
        _world.Broker.Records.RemoveAll(r => r.Record.SequenceId == 1);

        var missing = Assert.Single((await AuditAsync()).Disagreements);
        Assert.Equal(DisagreementKind.EventMissing, missing.Kind);
        Assert.Contains("event 1 is not stored", missing.Description);
    }

    [Fact]
    public async Task A_payout_that_was_changed_past_its_events_is_named()
    {
        var p = await LiveAsync("");
        _world.Store.Put(Payout.Restore(
            p.Id, 0, p.CreatedAt, p.PartyId, p.ShopId, p.PayoutToolId, p.CashFlow, p.Amount, p.Fee, PayoutStatus.Paid));

        Assert.Equal([DisagreementKind.EventDiffers], (await AuditAsync()).Disagreements.Select(d => d.Kind));
    }

    [Fact]
    public async Task Events_that_the_topic_lacks_are_sent_again_in_order()
    {
        await LiveAsync("confirm cancel");
        _world.Broker.Records.RemoveAll(r => r.Record.SequenceId == 1);

        Assert.Equal(DisagreementKind.NotPublished, Assert.Single((await AuditAsync()).Disagreements).Kind);
        await _world.SendAsync(new RepairPayoutCommand("p1"));
        await PublishAsync();

        Assert.Equal([0, 2, 1, 2], _world.Broker.Records.Select(r => r.Record.SequenceId!.Value));
        // What consumers have read out of order cannot be unread.
        Assert.Equal([DisagreementKind.PublishedOutOfOrder], (await AuditAsync()).Disagreements.Select(d => d.Kind));
    }

    [Fact]
    public async Task What_the_topic_has_forgotten_is_not_missed()
    {
        await LiveAsync("confirm");
        _world.Broker.Records.Clear();
        _world.Broker.KeptSince = _world.Clock.GetUtcNow();

        Assert.True((await AuditAsync()).Agrees);
    }

    [Fact]
    public async Task What_is_not_published_yet_is_not_missed()
    {
        await _world.CreateAsync();

        Assert.True((await AuditAsync()).Agrees);
    }

    [Fact]
    public async Task Records_that_are_not_events_of_the_payout_are_named()
    {
        await LiveAsync("confirm");
        _world.Broker.Records.Add(("p1", new PublishedEvent(7, PayloadDigest.Of([1]), Partition: 0, Offset: 9)));
        _world.Broker.Records.Add(("p1", new PublishedEvent(null, PayloadDigest.Of([2]), Partition: 0, Offset: 10)));

        var found = (await AuditAsync()).Disagreements;

        Assert.Equal(
            ["Record 9 of partition 0 is not event 7 as it is stored: somebody else writes to the topic."],
            found.Where(d => d.Kind == DisagreementKind.ForeignRecord).Take(1).Select(d => d.Description));
        Assert.Equal(2, found.Count(d => d.Kind == DisagreementKind.ForeignRecord));
    }

    [Fact]
    public async Task Events_in_several_partitions_are_named()
    {
        await LiveAsync("confirm");
        var (id, second) = _world.Broker.Records[1];
        _world.Broker.Records[1] = (id, second with { Partition = 3 });

        var found = Assert.Single((await AuditAsync()).Disagreements);
        Assert.Equal(DisagreementKind.PublishedOutOfOrder, found.Kind);
        Assert.Contains("partitions 0, 3", found.Description);
    }

    [Fact]
    public async Task Duplicates_are_no_disagreement()
    {
        await LiveAsync("confirm");
        _world.Broker.Records.Add(_world.Broker.Records[0]);

        Assert.True((await AuditAsync()).Agrees);
    }

    [Fact]
    public async Task A_ledger_out_of_reach_ends_the_audit_instead_of_passing_it()
    {
        await LiveAsync("");
        _world.Ledger.Fail("Hold", new NotDoneException("down"));

        await Assert.ThrowsAsync<NotDoneException>(() => AuditAsync());
    }

    [Fact]
    public async Task All_that_changed_since_an_instant_are_looked_at()
    {
        await _world.CreateAsync("old");
        _world.Clock.Advance(TimeSpan.FromHours(1));
        var since = _world.Clock.GetUtcNow();
        for (var i = 0; i < 250; i++)
            await _world.CreateAsync($"new-{i}", amount: 3_000);
        await _world.ConfirmAsync("new-7");
        await PublishAsync();
        _world.Ledger.Move((await _world.StoredAsync("new-42"))!.HoldPlan, State.Committed);
        var progress = new List<int>();

        var report = await _world.SendAsync(new AuditChangesQuery(since, Progress: new Watcher(progress)));

        Assert.Equal((250, 0), (report.Payouts, report.UnderWay));
        Assert.Equal(["new-42"], report.Disagreeing.Select(audit => audit.PayoutId.Value));
        Assert.Equal([200, 250], progress);
        Assert.Equal(100, (await _world.SendAsync(new AuditChangesQuery(since, AtMost: 100))).Payouts);
    }

    [Fact]
    public async Task The_watch_keeps_figures_of_what_disagrees()
    {
        var figures = new Dictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == AuditWatch.MeterName)
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => figures[instrument.Name] = value);
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => figures[instrument.Name] = value);
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => figures[instrument.Name] = value);
        listener.Start();
        using var watch = _world.Services.GetRequiredService<AuditWatch>();
        await LiveAsync("");
        _world.Ledger.Move((await _world.StoredAsync())!.HoldPlan, State.Committed);
        using var stop = new CancellationTokenSource();
        var running = watch.RunAsync(stop.Token);

        _world.Clock.Advance(TimeSpan.FromMinutes(10));
        await Task.Yield();
        _world.Clock.Advance(TimeSpan.FromSeconds(5));
        listener.RecordObservableInstruments();

        Assert.Equal(1, figures["payouts.audit.payouts"]);
        Assert.Equal(1, figures["payouts.audit.disagreeing"]);
        Assert.Equal(5, figures["payouts.audit.age"]);
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);

        // It has not changed since, and still does not agree; then somebody mends it.
        await watch.AuditAsync(CancellationToken.None);
        listener.RecordObservableInstruments();
        Assert.Equal((1, 1), (figures["payouts.audit.payouts"], figures["payouts.audit.disagreeing"]));
        await _world.SendAsync(new RepairPayoutCommand((await _world.StoredAsync())!.Id.Value));
        await PublishAsync();
        await watch.AuditAsync(CancellationToken.None);
        listener.RecordObservableInstruments();
        Assert.Equal(0, figures["payouts.audit.disagreeing"]);
    }

    /// <summary>A payout with the history of the verbs, published.</summary>
    private async Task<Payout> LiveAsync(string verbs)
    {
        await _world.CreateAsync();
        foreach (var verb in verbs.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            await (verb == "confirm" ? _world.ConfirmAsync() : _world.CancelAsync());
        await PublishAsync();
        return (await _world.StoredAsync())!;
    }

    private Task PublishAsync() => _world.RelayAsync(200, () => _world.Store.Published.Count == _world.Store.Events.Count);

    private Task<PayoutAudit> AuditAsync() => _world.SendAsync(new AuditPayoutQuery("p1"));

    /// <summary>Somebody else moves a plan: <c>NAME=STATE</c>.</summary>
    private void Move(string moved)
    {
        var (name, state) = (moved.Split('=')[0], Enum.Parse<State>(moved.Split('=')[1]));
        var payout = _world.StoredAsync().Result!;
        LedgerPlan[] plans =
        [
            payout.HoldPlan, payout.RevertPlan(1), payout.RevertPlan(2), LedgerPlan.Hold(payout.Id, payout.CashFlow, 2),
        ];
        _world.Ledger.Move(plans.Single(plan => plan.Id == name), state);
    }

    private static string Describe(PayoutAudit audit) =>
        audit.IsUnderWay ? "under way" : string.Join('\n', audit.Disagreements.Select(d => $"{d.Kind}: {d.Description}"));

    private sealed class Watcher(List<int> seen) : IProgress<AuditReport>
    {
        public void Report(AuditReport value) => seen.Add(value.Payouts);
    }
}
