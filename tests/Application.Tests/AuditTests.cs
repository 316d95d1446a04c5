using MediatR;
using Microsoft.Extensions.DependencyInjection;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing;
using PayoutManager.Testing.InMemory;
using State = PayoutManager.Testing.InMemory.PlanState;

namespace PayoutManager.Application.Tests;

public class AuditTests
{
    private static readonly Actor Operator = new("olga", "ticket 7");

    /// <summary>Replaced by tests before their first step.</summary>
    private World _world = new();

    /// <summary>
    /// Every state of a payout and every state of its plan, the ledger asked by calls: what is found, what was called (H hold, C commit,
    /// R roll back), and the plan afterwards. Payouts that are <c>old</c> are a predecessor's and have no events.
    /// </summary>
    [Theory]
    [InlineData("", "absent", "", "H", "Held")]
    [InlineData("", "Held", "", "H", "Held")]
    [InlineData("", "Committed", "PlanNotHeld", "HH", "Committed")]
    [InlineData("", "RolledBack", "PlanNotHeld", "HH", "RolledBack")]
    [InlineData("", "other", "PlanNotHeld", "HH", "Held")]
    [InlineData("confirm", "absent", "LedgerBehind: Commit payout_p1", "H", "Held")]
    [InlineData("confirm", "Held", "LedgerBehind: Commit payout_p1", "H", "Held")]
    [InlineData("confirm", "Committed", "", "HHC", "Committed")]
    [InlineData("confirm", "RolledBack", "PlanNotCommitted", "HHCC", "RolledBack")]
    [InlineData("confirm", "other", "PlanNotCommitted", "HHCC", "Held")]
    [InlineData("cancel", "absent", "PlanNotRolledBack", "RR", "absent")]
    [InlineData("cancel", "Held", "", "R", "RolledBack")]
    [InlineData("cancel", "Committed", "PlanNotRolledBack", "RR", "Committed")]
    [InlineData("cancel", "RolledBack", "", "R", "RolledBack")]
    [InlineData("cancel", "other", "PlanNotRolledBack", "RR", "Held")]
    [InlineData("confirm cancel", "absent", "LedgerBehind: Commit payout_p1, Revert revert_payout_p1", "H", "Held")]
    [InlineData("confirm cancel", "Held", "LedgerBehind: Commit payout_p1, Revert revert_payout_p1", "H", "Held")]
    [InlineData("confirm cancel", "Committed", "? RevertUnknown: Revert revert_payout_p1", "HHC", "Committed")]
    [InlineData("confirm cancel", "RolledBack", "", "HHCCR", "RolledBack")]
    [InlineData("confirm cancel", "other", "PlanNotCommitted", "HHCCRR", "Held")]
    [InlineData("old Unpaid 0", "Held", "", "H", "Held")]
    [InlineData("old Unpaid 0", "Committed", "PlanNotHeld", "HH", "Committed")]
    [InlineData("old Paid 1", "absent", "", "H", "Held")]
    [InlineData("old Paid 1", "Held", "", "H", "Held")]
    [InlineData("old Paid 1", "Committed", "PlanNotHeld", "HH", "Committed")]
    [InlineData("old Paid 1", "RolledBack", "PlanNotHeld", "HH", "RolledBack")]
    [InlineData("old Paid 1", "other", "PlanNotHeld", "HH", "Held")]
    [InlineData("old Confirmed 1", "Held", "LedgerBehind", "H", "Held")]
    [InlineData("old Confirmed 1", "Committed", "? NoWitness", "HH", "Committed")]
    [InlineData("old Confirmed 1", "RolledBack", "? NoWitness", "HH", "RolledBack")]
    [InlineData("old Cancelled 0", "Held", "? NoWitness", "", "Held")]
    [InlineData("old Cancelled 1", "Held", "? NoWitness", "", "Held")]
    [InlineData("old Cancelled 1", "RolledBack", "? NoWitness", "", "RolledBack")]
    [InlineData("old Cancelled 1", "Committed", "? NoWitness", "", "Committed")]
    [InlineData("old Cancelled 2", "Held", "? NoWitness", "", "Held")]
    [InlineData("old Cancelled 2", "Committed", "? NoWitness", "", "Committed")]
    [InlineData("old Failed 1", "Held", "? FailedPayout", "", "Held")]
    [InlineData("old Failed 1", "RolledBack", "? FailedPayout", "", "RolledBack")]
    public async Task By_calls(string history, string plan, string found, string calls, string after)
    {
        var payout = await LiveAsync(history);
        Set(payout.HoldPlan, plan);

        var audit = await AuditAsync();

        Assert.Equal(found, Describe(audit));
        Assert.Equal(calls, string.Concat(_world.Ledger.Calls.Select(call => call[0])));
        Assert.All(_world.Ledger.Calls, call => Assert.EndsWith(" payout_p1", call, StringComparison.Ordinal));
        Assert.Equal(after, StateOf("payout_p1"));
        Assert.Equal(payout, await _world.StoredAsync());
    }

    /// <summary>
    /// Every state of a payout, of its plan and of the plan that gives its money back, seen in the ledger's records; then what the repair
    /// makes of it: payout, plan, revert. Nothing is called before the repair.
    /// </summary>
    [Theory]
    [InlineData("", "absent absent", "PlanMissing", "Unpaid absent absent")]
    [InlineData("", "Held absent", "", "Unpaid Held absent")]
    [InlineData("", "Held Held", "StrayHold: RollBack revert_payout_p1", "Unpaid Held RolledBack")]
    [InlineData("", "Held Committed", "RevertedTooOften", "Unpaid Held Committed")]
    [InlineData("", "Held RolledBack", "", "Unpaid Held RolledBack")]
    [InlineData("", "Committed absent", "PayoutBehind: Confirm", "Confirmed Committed absent")]
    [InlineData("", "Committed Committed", "PayoutBehind: Confirm, Cancel", "Cancelled Committed Committed")]
    [InlineData("", "RolledBack absent", "PayoutBehind: Cancel", "Cancelled RolledBack absent")]
    [InlineData("", "other absent", "PlanDiffers", "Unpaid Held absent")]
    [InlineData("", "RolledBack Committed", "RevertedTooOften", "Unpaid RolledBack Committed")]
    [InlineData("confirm", "absent absent", "PlanMissing", "Confirmed absent absent")]
    [InlineData("confirm", "Held absent", "LedgerBehind: Commit payout_p1", "Confirmed Committed absent")]
    [InlineData("confirm", "Held Committed", "RevertedTooOften", "Confirmed Held Committed")]
    [InlineData("confirm", "Committed absent", "", "Confirmed Committed absent")]
    [InlineData("confirm", "Committed Held", "StrayHold: RollBack revert_payout_p1", "Confirmed Committed RolledBack")]
    [InlineData("confirm", "Committed Committed", "PayoutBehind: Cancel", "Cancelled Committed Committed")]
    [InlineData("confirm", "RolledBack absent", "PlanRolledBack", "Confirmed RolledBack absent")]
    [InlineData("confirm", "other absent", "LedgerBehind, PlanDiffers", "Confirmed Held absent")]
    [InlineData("cancel", "absent absent", "PlanMissing", "Cancelled absent absent")]
    [InlineData("cancel", "Held absent", "LedgerBehind: RollBack payout_p1", "Cancelled RolledBack absent")]
    [InlineData("cancel", "Committed absent", "RevertMissing: Revert revert_payout_p1", "Cancelled Committed Committed")]
    [InlineData("cancel", "Committed Committed", "", "Cancelled Committed Committed")]
    [InlineData("cancel", "RolledBack absent", "", "Cancelled RolledBack absent")]
    [InlineData("cancel", "RolledBack Held", "StrayHold: RollBack revert_payout_p1", "Cancelled RolledBack RolledBack")]
    [InlineData("cancel", "RolledBack Committed", "RevertedTooOften", "Cancelled RolledBack Committed")]
    [InlineData("cancel", "Held Committed", "RevertedTooOften", "Cancelled Held Committed")]
    [InlineData("confirm cancel", "absent absent", "PlanMissing", "Cancelled absent absent")]
    [InlineData("confirm cancel", "Held absent", "LedgerBehind: RollBack payout_p1", "Cancelled RolledBack absent")]
    [InlineData("confirm cancel", "Held Committed", "LedgerBehind: Commit payout_p1", "Cancelled Committed Committed")]
    [InlineData("confirm cancel", "Committed absent", "RevertMissing: Revert revert_payout_p1", "Cancelled Committed Committed")]
    [InlineData("confirm cancel", "Committed Held", "RevertMissing: Revert revert_payout_p1", "Cancelled Committed Committed")]
    [InlineData("confirm cancel", "Committed RolledBack", "RevertMissing: Revert revert#2_payout_p1", "Cancelled Committed RolledBack")]
    [InlineData("confirm cancel", "Committed Committed", "", "Cancelled Committed Committed")]
    [InlineData("confirm cancel", "RolledBack absent", "", "Cancelled RolledBack absent")]
    [InlineData("old Paid 1", "Held absent", "", "Paid Held absent")]
    [InlineData("old Paid 1", "Committed absent", "PayoutBehind: Confirm", "Confirmed Committed absent")]
    [InlineData("old Unpaid 0", "RolledBack absent", "PayoutBehind: Cancel", "Cancelled RolledBack absent")]
    [InlineData("old Confirmed 1", "Held absent", "LedgerBehind", "Confirmed Held absent")]
    [InlineData("old Confirmed 1", "Committed absent", "", "Confirmed Committed absent")]
    [InlineData("old Cancelled 1", "Held absent", "LedgerBehind", "Cancelled Held absent")]
    [InlineData("old Cancelled 2", "Committed absent", "RevertMissing", "Cancelled Committed absent")]
    [InlineData("old Cancelled 2", "Committed Committed", "", "Cancelled Committed Committed")]
    [InlineData("old Failed 1", "Held absent", "? FailedPayout", "Failed Held absent")]
    public async Task By_the_ledger_s_records(string history, string plans, string found, string after)
    {
        _world = WithRecords();
        var payout = await LiveAsync(history);
        Set(payout.HoldPlan, plans.Split(' ')[0]);
        Set(payout.RevertPlan(1), plans.Split(' ')[1]);
        var before = _world.Ledger.Plans;

        var audit = await AuditAsync();

        Assert.Equal(found, Describe(audit));
        Assert.Empty(_world.Ledger.Calls);
        Assert.Equal(before, _world.Ledger.Plans);
        Assert.Equal(payout, await _world.StoredAsync());

        var repaired = await RepairAsync();
        await PublishAsync();

        Assert.Equal(after, $"{(await _world.StoredAsync())!.Status.State} {StateOf("payout_p1")} {StateOf("revert_payout_p1")}");
        Assert.Null(repaired.Failure);
        if (audit.Repairs.Any())
            Assert.Equal("", Describe(await AuditAsync()));
        else
            Assert.Empty(_world.Ledger.Calls);
    }

    /// <summary>Other attempts' plans, which only the records show.</summary>
    [Theory]
    [InlineData("", "payout#2_p1 Held", "StrayHold: RollBack payout#2_p1", "RolledBack")]
    [InlineData("", "payout#2_p1 Committed", "StrayCommit", "Committed")]
    [InlineData("", "payout#2_p1 RolledBack", "", "RolledBack")]
    [InlineData("old Unpaid 0", "payout#2_p1 Held", "StrayHold", "Held")]
    [InlineData("confirm cancel", "revert#2_payout_p1 Held", "StrayHold: RollBack revert#2_payout_p1", "RolledBack")]
    [InlineData("confirm cancel", "revert#2_payout_p1 Committed", "RevertedTooOften", "Committed")]
    public async Task Plans_of_other_attempts(string history, string moved, string found, string after)
    {
        _world = WithRecords();
        var payout = await LiveAsync(history);
        // An earlier create may have asked for another amount.
        LedgerPlan[] plans = [LedgerPlan.Restore("payout#2_p1", payout.HoldPlan.Postings.Skip(1)), payout.RevertPlan(2)];
        var plan = plans.Single(p => p.Id == moved.Split(' ')[0]);
        Set(plan, moved.Split(' ')[1]);

        Assert.Equal(found, Describe(await AuditAsync()));
        Assert.Null((await RepairAsync()).Failure);
        Assert.Equal(after, StateOf(plan.Id));
    }

    [Fact]
    public async Task Reverts_are_followed_as_far_as_they_go()
    {
        _world = WithRecords();
        var payout = await LiveAsync("confirm cancel");
        for (var attempt = 1; attempt <= 8; attempt++)
            _world.Ledger.Move(payout.RevertPlan(attempt), State.RolledBack);

        Assert.Equal("RevertMissing: Revert revert#9_payout_p1", Describe(await AuditAsync()));
        _world.Ledger.Move(payout.RevertPlan(9), State.Committed);
        Assert.Equal("", Describe(await AuditAsync()));
    }

    [Fact]
    public async Task Postings_are_compared_as_sets()
    {
        _world = WithRecords();
        var payout = await LiveAsync("");
        _world.Ledger.Move(
            LedgerPlan.Restore(payout.HoldPlan.Id, [.. payout.HoldPlan.Postings.Reverse(), payout.HoldPlan.Postings[0]]), State.Held);
        Assert.Equal("", Describe(await AuditAsync()));

        _world.Ledger.Move(LedgerPlan.Restore(payout.HoldPlan.Id, payout.HoldPlan.Postings.Skip(1)), State.Held);
        Assert.Contains("10 -> 12", Assert.Single((await AuditAsync()).Disagreements).Description, StringComparison.Ordinal);
    }

    /// <summary>
    /// What somebody or something has done to row, events or topic. The plan is in every state that there is: nothing of the ledger is
    /// asked or moved, by the audit or by the repair.
    /// </summary>
    [Theory]
    [InlineData("", "row Confirmed", "EventDiffers")]
    [InlineData("", "row Cancelled", "EventDiffers")]
    [InlineData("", "row Paid", "EventDiffers")]
    [InlineData("confirm", "row Unpaid", "EventDiffers")]
    [InlineData("confirm", "row Cancelled", "EventDiffers")]
    [InlineData("cancel", "row Unpaid", "EventDiffers")]
    [InlineData("cancel", "row Confirmed", "EventDiffers")]
    [InlineData("confirm cancel", "row Confirmed", "EventDiffers")]
    [InlineData("confirm cancel", "row Unpaid", "EventDiffers")]
    [InlineData("", "sequence 1", "EventMissing")]
    [InlineData("confirm", "sequence 0", "EventDiffers")]
    [InlineData("confirm", "row deleted", "EventDiffers")]
    [InlineData("confirm cancel", "event 1 lost", "EventMissing, ForeignRecord")]
    [InlineData("confirm", "event 1 lost everywhere", "EventMissing")]
    [InlineData("confirm", "record of somebody", "ForeignRecord")]
    [InlineData("confirm", "record in another partition", "PublishedOutOfOrder")]
    [InlineData("confirm", "records swapped", "PublishedOutOfOrder")]
    [InlineData("old Unpaid 0", "topic Confirmed 0", "EventDiffers")]
    [InlineData("old Confirmed 1", "topic Cancelled 2", "EventDiffers")]
    [InlineData("old Cancelled 1", "topic Confirmed 1", "EventDiffers")]
    public async Task Where_row_events_and_topic_disagree_the_ledger_is_left_alone(string history, string done, string found)
    {
        foreach (var withRecords in (bool[])[false, true])
        {
            foreach (var plan in (string[])["absent", "Held", "Committed", "RolledBack", "other"])
            {
                _world = withRecords ? WithRecords() : new World();
                var payout = await LiveAsync(history);
                Set(payout.HoldPlan, plan);
                Set(payout.RevertPlan(1), "absent");
                Do(payout, done);
                var row = await _world.StoredAsync();
                var plans = _world.Ledger.Plans;

                var audit = await AuditAsync();
                var repaired = await RepairAsync();

                Assert.Equal(found, Describe(audit));
                Assert.Equal(LedgerLook.NotAsked, audit.Ledger);
                Assert.Null(repaired.Failure);
                Assert.Empty(_world.Ledger.Calls);
                Assert.Empty(_world.Ledger.RecordReads);
                Assert.Equal(plans, _world.Ledger.Plans);
                Assert.Equal(row, await _world.StoredAsync());
            }
        }
    }

    /// <summary>A predecessor's payout whose event is still in the topic: that shows what the row says, so the repair may move money.</summary>
    [Fact]
    public async Task An_event_in_the_topic_is_a_witness()
    {
        var payout = await LiveAsync("old Confirmed 1");
        Do(payout, "topic Confirmed 1");
        Set(payout.HoldPlan, "Held");

        Assert.Equal("LedgerBehind: Commit payout_p1", Describe(await AuditAsync()));
    }

    /// <summary>A predecessor's payout whose last event is still in the topic: the ledger may be asked by calls that can move money.</summary>
    [Theory]
    [InlineData("old Confirmed 1", "Confirmed 1", "Committed", "", "HHC")]
    [InlineData("old Confirmed 1", "Confirmed 1", "RolledBack", "PlanNotCommitted", "HHCC")]
    [InlineData("old Cancelled 1", "Cancelled 1", "Held", "", "R")]
    [InlineData("old Cancelled 1", "Cancelled 1", "Committed", "PlanNotRolledBack", "RR")]
    [InlineData("old Cancelled 2", "Cancelled 2", "RolledBack", "", "R")]
    [InlineData("old Cancelled 2", "Cancelled 2", "Committed", "? RevertUnknown", "RR")]
    public async Task Calls_that_can_move_money_are_made_where_an_event_shows_the_state(
        string history, string shown, string plan, string found, string calls)
    {
        var payout = await LiveAsync(history);
        Do(payout, $"topic {shown}");
        Set(payout.HoldPlan, plan);

        Assert.Equal(found, Describe(await AuditAsync()));
        Assert.Equal(calls, string.Concat(_world.Ledger.Calls.Select(call => call[0])));
    }

    /// <summary>The topic still has the event before the one that the row is said to have reached.</summary>
    [Theory]
    [InlineData("Held", "LedgerBehind", "H")]
    [InlineData("Committed", "? NoWitness", "HH")]
    [InlineData("RolledBack", "? NoWitness", "HH")]
    public async Task An_earlier_event_shows_nothing_of_the_state(string plan, string found, string calls)
    {
        var payout = await LiveAsync("old Cancelled 2");
        Do(payout, "topic Confirmed 1");
        Set(payout.HoldPlan, plan);
        var before = _world.Ledger.Plans;

        Assert.Equal(found, Describe(await AuditAsync()));
        Assert.Equal(calls, string.Concat(_world.Ledger.Calls.Select(call => call[0])));
        Assert.Empty((await RepairAsync()).Done);
        Assert.Equal(before, _world.Ledger.Plans);
    }

    /// <summary>The events of a payout do not tell on which attempt it stands, so a row that was edited must not make the ledger hold another plan.</summary>
    [Theory]
    [InlineData("", "Held", 2)]
    [InlineData("", "Held", 3)]
    [InlineData("confirm", "Committed", 2)]
    [InlineData("confirm", "Committed", 3)]
    [InlineData("cancel", "RolledBack", 2)]
    public async Task An_edited_attempt_makes_no_other_plan(string history, string plan, int attempt)
    {
        var p = await LiveAsync(history);
        Set(p.HoldPlan, plan);
        _world.Store.Put(Payout.Restore(
            p.Id, p.SequenceId, p.CreatedAt, p.PartyId, p.ShopId, p.PayoutToolId, p.CashFlow, p.Amount, p.Fee, p.Status, attempt));

        var audit = await AuditAsync();
        await RepairAsync();

        Assert.Equal("? AttemptUnknown", Describe(audit));
        Assert.Equal([("payout_p1", Enum.Parse<State>(plan))], _world.Ledger.Plans.Select(known => (known.Key, known.Value)));
        Assert.Empty(_world.Ledger.Calls);

        // The records show it, too, and nothing is repaired on the word of the row.
        _world = WithRecords();
        p = await LiveAsync(history);
        Set(p.HoldPlan, plan);
        _world.Store.Put(Payout.Restore(
            p.Id, p.SequenceId, p.CreatedAt, p.PartyId, p.ShopId, p.PayoutToolId, p.CashFlow, p.Amount, p.Fee, p.Status, attempt));
        var before = _world.Ledger.Plans;
        await RepairAsync();
        Assert.Equal(before, _world.Ledger.Plans);
        Assert.Contains((await AuditAsync()).Disagreements, d => d.Kind == DisagreementKind.PlanMissing);
    }

    /// <summary>A ledger that was restored has lost the plan that was spent: a hold of it would succeed, and hold the money a second time.</summary>
    [Theory]
    [InlineData(false, "RolledBack", "? AttemptUnknown")]
    [InlineData(false, "absent", "? AttemptUnknown")]
    [InlineData(true, "RolledBack", "")]
    [InlineData(true, "absent", "")]
    public async Task A_payout_on_a_later_attempt_is_never_asked_for_by_calls(bool withRecords, string first, string found)
    {
        _world = withRecords ? WithRecords() : new World();
        _world.Ledger.Balance = 0;
        await Assert.ThrowsAsync<InsufficientFundsException>(() => _world.CreateAsync());
        _world.Ledger.Balance = 1_000_000;
        var payout = await LiveAsync("");
        Assert.Equal(2, payout.HoldAttempt);
        Set(LedgerPlan.Hold(payout.Id, payout.CashFlow, 1), first);
        var before = _world.Ledger.Plans;

        Assert.Equal(found, Describe(await AuditAsync()));
        Assert.Empty((await RepairAsync()).Done);

        Assert.Empty(_world.Ledger.Calls);
        Assert.Equal(before, _world.Ledger.Plans);
    }

    [Theory]
    [InlineData("confirm", "Held", "Confirmed Committed absent", "Commit")]
    [InlineData("confirm cancel", "Held", "Cancelled Committed Committed", "Commit Revert")]
    [InlineData("confirm cancel", "Committed", "Cancelled Committed Committed", "Revert")]
    public async Task What_calls_can_show_is_repaired_on_request(string history, string plan, string after, string done)
    {
        var payout = await LiveAsync(history);
        Set(payout.HoldPlan, plan);
        Set(payout.RevertPlan(1), "absent");

        var repaired = await RepairAsync();

        Assert.Equal(done, string.Join(' ', repaired.Done.Select(repair => repair.Action)));
        Assert.Null(repaired.Failure);
        Assert.Equal("", Describe(repaired.After!));
        Assert.Equal(after, $"{(await _world.StoredAsync())!.Status.State} {StateOf("payout_p1")} {StateOf("revert_payout_p1")}");
    }

    [Theory]
    [InlineData("RolledBack", "revert#2_payout_p1")]
    [InlineData("Held", "revert_payout_p1")]
    [InlineData("Committed", "revert_payout_p1")]
    public async Task Money_is_given_back_by_the_first_revert_that_is_not_spent(string revert, string committed)
    {
        var payout = await LiveAsync("confirm cancel");
        Set(payout.RevertPlan(1), revert);

        await RepairAsync();

        Assert.Equal(
            [committed, "payout_p1"],
            _world.Ledger.Plans.Where(p => p.Value == State.Committed).Select(p => p.Key).OrderDescending(StringComparer.Ordinal));
    }

    /// <summary>A ledger that was restored may know a later revert and not an earlier one, which somebody had rolled back.</summary>
    [Theory]
    [InlineData("absent Committed", "absent Committed absent")]
    [InlineData("absent Held", "absent Committed absent")]
    [InlineData("absent absent Committed", "absent absent Committed")]
    [InlineData("RolledBack absent Committed", "RolledBack absent Committed")]
    [InlineData("absent RolledBack", "Committed RolledBack absent")]
    [InlineData("RolledBack RolledBack", "RolledBack RolledBack Committed")]
    public async Task Money_is_given_back_once_also_where_the_ledger_has_forgotten_a_revert(string reverts, string after)
    {
        var payout = await LiveAsync("confirm cancel");
        Set(payout.RevertPlan(1), "absent");
        foreach (var (revert, attempt) in reverts.Split(' ').Select((revert, place) => (revert, place + 1)))
            Set(payout.RevertPlan(attempt), revert);

        var repaired = await RepairAsync();

        Assert.Null(repaired.Failure);
        Assert.Equal(after, string.Join(' ', Enumerable.Range(1, 3).Select(attempt => StateOf(payout.RevertPlan(attempt).Id))));
    }

    [Fact]
    public async Task A_repair_that_the_ledger_refuses_is_told_and_ends_there()
    {
        var payout = await LiveAsync("confirm cancel");
        Set(payout.HoldPlan, "Held");
        for (var i = 0; i < 2; i++)
            _world.Ledger.Fail("Commit", new LedgerRefusedException("payout_p1", "no"));

        var repaired = await RepairAsync();

        Assert.Empty(repaired.Done);
        Assert.Equal((false, "commit plan payout_p1: The ledger refused plan payout_p1: no"), (repaired.Failure!.MayBeDone, $"{repaired.Failure}"));
        Assert.Same(repaired.Before, repaired.After);
        Assert.Null(repaired.BrokenOffBy);
        Assert.Equal("Held", StateOf("payout_p1"));
    }

    public static TheoryData<string, Exception, bool, bool> RepairFaults => new()
    {
        { "Commit", new NotDoneException("down"), false, false },
        { "Commit", new OutcomeUnknownException("lost"), false, true },
        { "Commit", new OutcomeUnknownException("lost"), true, true },
        { "Commit", new LedgerRefusedException("payout_p1", "no", earlierTryMayBeDone: true), false, true },
        { "Commit", new FormatException("an error that nobody thought of"), false, true },
        { "FindAsync", new NotDoneException("no database"), false, false },
    };

    /// <summary>What has no proof that it had no effect may be done. Then the payout is compared again.</summary>
    [Theory]
    [MemberData(nameof(RepairFaults))]
    public async Task A_failed_repair_says_whether_it_may_be_done(string call, Exception fault, bool afterEffect, bool mayBeDone)
    {
        var payout = await LiveAsync("confirm");
        Set(payout.HoldPlan, "Held");
        if (call == "FindAsync")
            _world.Store.Faults.Enqueue((call, fault));
        // A refusal counts once it is repeated.
        for (var i = 0; i < (call == "Commit" ? fault is LedgerRefusedException ? 2 : 1 : 0); i++)
            _world.Ledger.Fail(call, fault, afterEffect);

        var repaired = await RepairAsync();

        Assert.Empty(repaired.Done);
        Assert.Equal((mayBeDone, $"commit plan payout_p1: {fault.Message}"), (repaired.Failure!.MayBeDone, $"{repaired.Failure}"));
        Assert.Equal(afterEffect ? "" : "LedgerBehind: Commit payout_p1", Describe(repaired.After!));
        Assert.Null(repaired.BrokenOffBy);
    }

    /// <summary>Each call by itself had no effect or is known to be done. Both together are half of a repair.</summary>
    [Fact]
    public async Task A_repair_that_stops_between_two_calls_may_be_done()
    {
        var payout = await LiveAsync("confirm cancel");
        Set(payout.RevertPlan(1), "absent");
        var isHeld = false;
        _world.Ledger.BeforeCall = method =>
        {
            if (isHeld && method == "Commit")
                _world.Ledger.Fail("Commit", new NotDoneException("down"));
            isHeld |= method == "Hold" && _world.Ledger.Calls[^1] == "Hold revert_payout_p1";
            return Task.CompletedTask;
        };

        var repaired = await RepairAsync();

        Assert.Equal((true, "down"), (repaired.Failure!.MayBeDone, repaired.Failure.Reason));
        Assert.Equal("Held", StateOf("revert_payout_p1"));
    }

    [Theory]
    [InlineData("", "Committed", "confirm the payout", "no answer in time")]
    [InlineData("confirm", "Held", "commit plan payout_p1", "no answer in time")]
    [InlineData("confirm cancel", "Held", "commit plan payout_p1", "no answer in time")]
    public async Task A_silent_ledger_is_not_waited_for_by_a_repair(string history, string plan, string repair, string reason)
    {
        _world = WithRecords();
        var payout = await LiveAsync(history);
        Set(payout.HoldPlan, plan);
        _world.Ledger.IsSilent = true;
        var began = _world.Clock.GetUtcNow();

        var repaired = await _world.PassTimeUntilAsync(RepairAsync());

        Assert.Empty(repaired.Done);
        Assert.StartsWith(repair, $"{repaired.Failure!.Repair}", StringComparison.Ordinal);
        Assert.Contains(reason, repaired.Failure.Reason, StringComparison.Ordinal);
        Assert.True(repaired.Failure.MayBeDone);
        Assert.Null(repaired.After);
        Assert.Equal(AuditSource.Ledger, Assert.IsType<AuditUnfinishedException>(repaired.BrokenOffBy).UnansweredBy);
        var options = new AuditOptions();
        Assert.InRange(_world.Clock.GetUtcNow() - began, options.RepairTimeLimit, options.RepairTimeLimit + (2 * options.LedgerPatience));
    }

    [Fact]
    public async Task What_was_repaired_is_told_also_where_the_rest_is_broken_off()
    {
        var payout = await LiveAsync("confirm cancel");
        Set(payout.HoldPlan, "Held");
        using var time = new CancellationTokenSource();
        _world.Ledger.BeforeCall = method =>
        {
            if (method == "Commit" && StateOf("payout_p1") == "Committed")
            {
                _world.Ledger.IsSilent = true;
                time.Cancel();
            }

            return Task.CompletedTask;
        };

        var repaired = await _world.SendAsync(new RepairPayoutCommand("p1", Operator), time.Token);

        Assert.Equal([RepairAction.Commit], repaired.Done.Select(repair => repair.Action));
        Assert.Equal((RepairAction.Revert, true), (repaired.Failure!.Repair.Action, repaired.Failure.MayBeDone));
        Assert.Null(repaired.After);
        Assert.IsType<OperationCanceledException>(repaired.BrokenOffBy);
    }

    [Fact]
    public async Task No_repair_is_begun_once_the_time_is_up()
    {
        var payout = await LiveAsync("confirm cancel");
        Set(payout.HoldPlan, "Held");
        using var time = new CancellationTokenSource();
        _world.Ledger.BeforeCall = method =>
        {
            if (method == "Commit")
                time.Cancel();
            return Task.CompletedTask;
        };

        var repaired = await _world.SendAsync(new RepairPayoutCommand("p1", Operator), time.Token);

        Assert.Equal([RepairAction.Commit], repaired.Done.Select(repair => repair.Action));
        Assert.Null(repaired.Failure);
        Assert.Null(repaired.After);
        Assert.IsType<OperationCanceledException>(repaired.BrokenOffBy);
    }

    [Fact]
    public async Task What_was_repaired_is_told_also_where_it_cannot_be_compared_again()
    {
        var payout = await LiveAsync("confirm");
        Set(payout.HoldPlan, "Held");
        _world.Ledger.BeforeCall = method =>
        {
            if (method == "Commit")
                _world.Store.Faults.Enqueue(("ReadAsync", new NotDoneException("no database")));
            return Task.CompletedTask;
        };

        var repaired = await RepairAsync();

        Assert.Equal([RepairAction.Commit], repaired.Done.Select(repair => repair.Action));
        Assert.Null(repaired.Failure);
        Assert.Null(repaired.After);
        Assert.Equal(AuditSource.Database, Assert.IsType<AuditUnfinishedException>(repaired.BrokenOffBy).UnansweredBy);
    }

    [Fact]
    public async Task Who_asked_for_a_repair_and_why_stays_with_the_change()
    {
        _world = WithRecords();
        var payout = await LiveAsync("");
        Set(payout.HoldPlan, "Committed");

        await RepairAsync();

        Assert.Equal(Operator, _world.Store.Actors[^1]);
    }

    [Theory]
    [InlineData("", "why")]
    [InlineData("olga", "")]
    [InlineData("olga", null)]
    [InlineData("ol\nga", "why")]
    public async Task A_repair_names_who_asks_and_why(string name, string? reason)
    {
        await LiveAsync("");

        await Assert.ThrowsAsync<InvalidRequestException>(() => _world.SendAsync(new RepairPayoutCommand("p1", new Actor(name, reason))));
    }

    [Fact]
    public async Task A_call_counts_as_refused_only_when_it_is_refused_again()
    {
        await LiveAsync("");
        _world.Ledger.Fail("Hold", new LedgerRefusedException("payout_p1", "busy"));

        Assert.Equal("", Describe(await AuditAsync()));
    }

    public static TheoryData<Exception, bool> NoAnswers => new()
    {
        { new NotDoneException("down"), false },
        { new OutcomeUnknownException("lost"), false },
        { new DependencyFailedException("odd", "Result Unexpected"), false },
        { new OutcomeUnknownException("lost"), true },
    };

    [Theory]
    [MemberData(nameof(NoAnswers))]
    public async Task A_ledger_that_gives_no_answer_is_no_verdict(Exception fault, bool afterEffect)
    {
        await LiveAsync("");
        _world.Ledger.Fail("Hold", fault, afterEffect);

        var audit = await AuditAsync();

        Assert.Equal((LedgerLook.NoAnswer, fault.Message), (audit.Ledger, audit.Failure));
        Assert.False(audit.Agrees);
        Assert.Empty(audit.Disagreements);
    }

    [Fact]
    public async Task A_ledger_that_does_not_come_back_is_not_waited_for()
    {
        await LiveAsync("");
        _world.Ledger.IsSilent = true;

        var audit = await _world.PassTimeUntilAsync(AuditAsync());

        Assert.Equal((LedgerLook.NoAnswer, "no answer in time"), (audit.Ledger, audit.Failure));
    }

    [Fact]
    public async Task Sources_that_cannot_be_read_are_named()
    {
        _world = WithRecords();
        await LiveAsync("");

        _world.Ledger.Fail("Records", new NotDoneException("no ledger database"));
        await AssertUnfinishedAsync(AuditSource.Ledger, "no ledger database");
        _world.Store.Faults.Enqueue(("ReadAsync", new NotDoneException("no database")));
        await AssertUnfinishedAsync(AuditSource.Database, "no database");
        _world.Broker.ReadFault = new InvalidOperationException("no topic");
        await AssertUnfinishedAsync(AuditSource.Topic, "no topic");

        async Task AssertUnfinishedAsync(AuditSource source, string message)
        {
            var e = await Assert.ThrowsAsync<AuditUnfinishedException>(AuditAsync);
            Assert.Equal((source, message), (e.UnansweredBy, e.Message));
        }
    }

    [Fact]
    public async Task What_is_under_way_is_not_judged()
    {
        await LiveAsync("");
        _world.Ledger.Fail("Commit", new OutcomeUnknownException("lost"), afterEffect: true);
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.ConfirmAsync());
        _world.Ledger.Calls.Clear();

        var audit = await AuditAsync();

        Assert.True(audit is { IsUnderWay: true, Disagreements.Count: 0, Ledger: LedgerLook.NotAsked });
        Assert.Empty(_world.Ledger.Calls);
    }

    [Fact]
    public async Task What_is_under_way_is_named_among_many()
    {
        await LiveAsync("");
        await _world.CreateAsync("p2");
        await PublishAsync();
        _world.Ledger.Fail("Commit", new OutcomeUnknownException("lost"), afterEffect: true);
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.ConfirmAsync());

        var report = await AuditSinceAsync(_world.Clock.GetUtcNow() - TimeSpan.FromHours(1));

        Assert.Equal((2, true), (report.Payouts, report.IsComplete));
        Assert.Equal([("p1", true)], report.Findings.Select(audit => (audit.PayoutId.Value, audit.IsUnderWay)));
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
            await PublishAsync();
        };

        Assert.Equal("", Describe(await AuditAsync()));
        Assert.Equal(PayoutState.Confirmed, (await _world.StoredAsync())!.Status.State);
    }

    [Theory]
    [InlineData("p1")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData("")]
    public async Task There_is_nothing_to_say_of_a_payout_that_does_not_exist(string id)
    {
        await Assert.ThrowsAsync<NotFoundException>(() => _world.SendAsync(new AuditPayoutQuery(id)));
        await Assert.ThrowsAsync<NotFoundException>(() => _world.SendAsync(new RepairPayoutCommand(id, Operator)));
        Assert.Empty(_world.Ledger.Calls);
    }

    public static TheoryData<string> IdsOfThePredecessor => [new string('x', 257), "a\tb"];

    /// <summary>A predecessor's payout whose id breaks today's rules is one all the same.</summary>
    [Theory]
    [MemberData(nameof(IdsOfThePredecessor))]
    public async Task A_predecessor_s_id_is_audited_and_repaired(string id)
    {
        _world = WithRecords();
        var p = await new World().CreateAsync();
        var payout = Payout.Restore(
            PayoutId.Restore(id), 1, p.CreatedAt, p.PartyId, p.ShopId, p.PayoutToolId, p.CashFlow, p.Amount, p.Fee,
            PayoutStatus.Restore(PayoutState.Paid, null));
        _world.Store.Put(payout);
        _world.Ledger.Move(payout.HoldPlan, State.Committed);

        Assert.Equal("PayoutBehind: Confirm", Describe(await _world.SendAsync(new AuditPayoutQuery(id))));
        var repaired = await _world.SendAsync(new RepairPayoutCommand(id, Operator));

        Assert.Null(repaired.Failure);
        Assert.Equal(PayoutState.Confirmed, (await _world.Store.FindAsync(payout.Id, CancellationToken.None))!.Status.State);
    }

    [Fact]
    public async Task A_payout_that_is_being_created_is_under_way()
    {
        _world.Ledger.Fail("Hold", new OutcomeUnknownException("lost"), afterEffect: true);
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => _world.CreateAsync());

        Assert.True((await AuditAsync()).IsUnderWay);
    }

    [Fact]
    public async Task Events_that_the_topic_lacks_are_sent_again_in_order()
    {
        await LiveAsync("confirm cancel");
        _world.Broker.Records.RemoveAll(r => r.Record.SequenceId == 1);

        Assert.Equal("NotPublished: SendAgain", Describe(await AuditAsync()));
        Assert.Empty(_world.Ledger.Calls);
        var repaired = await RepairAsync();
        await PublishAsync();

        Assert.Equal(["send the payout's events again from event 1"], repaired.Done.Select(repair => $"{repair}"));
        Assert.Equal([0, 2, 1, 2], _world.Broker.Records.Select(r => r.Record.SequenceId!.Value));
        // What consumers have read out of order cannot be unread.
        Assert.Equal("PublishedOutOfOrder", Describe(await AuditAsync()));
    }

    [Fact]
    public async Task What_the_topic_has_forgotten_is_not_missed()
    {
        await LiveAsync("confirm");
        _world.Broker.Records.Clear();
        _world.Broker.KeptSince = _world.Clock.GetUtcNow();

        Assert.Equal("", Describe(await AuditAsync()));
    }

    [Fact]
    public async Task What_is_not_published_yet_is_not_missed()
    {
        await _world.CreateAsync();

        Assert.Equal("", Describe(await AuditAsync()));
    }

    [Fact]
    public async Task What_was_acknowledged_is_missed_if_the_topic_lacks_it()
    {
        await _world.CreateAsync();
        await _world.Store.AcknowledgeAsync(_world.Store.Outbox, CancellationToken.None);

        Assert.Equal("NotPublished: SendAgain", Describe(await AuditAsync()));
    }

    [Fact]
    public async Task Records_that_are_not_events_of_the_payout_are_named()
    {
        await LiveAsync("confirm");
        _world.Broker.Records.Add(("p1", new PublishedEvent(7, PayloadDigest.Of([1]), Partition: 0, Offset: 9, PayoutState.Confirmed)));
        _world.Broker.Records.Add(("p1", new PublishedEvent(null, PayloadDigest.Of([2]), Partition: 0, Offset: 10, State: null)));

        var found = (await AuditAsync()).Disagreements;

        Assert.Equal(
            ["Record 9 of partition 0 is not event 7 as it is stored: somebody else writes to the topic."],
            found.Where(d => d.Kind == DisagreementKind.ForeignRecord).Take(1).Select(d => d.Description));
        Assert.Equal(2, found.Count(d => d.Kind == DisagreementKind.ForeignRecord));
    }

    [Fact]
    public async Task Duplicates_are_no_disagreement()
    {
        await LiveAsync("confirm");
        _world.Broker.Records.Add(_world.Broker.Records[0]);

        Assert.Equal("", Describe(await AuditAsync()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_that_changed_since_an_instant_are_looked_at(bool withRecords)
    {
        _world = withRecords ? WithRecords() : new World();
        await _world.CreateAsync("old");
        _world.Clock.Advance(TimeSpan.FromHours(1));
        var since = _world.Clock.GetUtcNow();
        for (var i = 0; i < 250; i++)
            await _world.CreateAsync($"new-{i}", amount: 3_000);
        await _world.ConfirmAsync("new-7");
        await PublishAsync();
        _world.Ledger.Move((await _world.StoredAsync("new-42"))!.HoldPlan, State.Committed);
        _world.Ledger.Calls.Clear();
        var progress = new List<int>();

        var report = await AuditSinceAsync(since, onPage: page => progress.Add(page.Audits.Count));

        Assert.Equal((250, true), (report.Payouts, report.IsComplete));
        Assert.DoesNotContain(report.Findings, audit => audit.IsUnderWay);
        Assert.Equal(["new-42"], report.Disagreeing.Select(audit => audit.PayoutId.Value));
        // One of the changes of the first page is not the payout's last.
        Assert.Equal([199, 51], progress);
        if (withRecords)
        {
            Assert.Empty(_world.Ledger.Calls);
            Assert.Equal([1194, 306], _world.Ledger.RecordReads.Select(read => read.Count));
        }
    }

    /// <summary>Also those of a predecessor, which have no event.</summary>
    [Fact]
    public async Task All_payouts_are_looked_at_on_request_and_from_where_it_was_broken_off()
    {
        for (var i = 0; i < 5; i++)
            await _world.CreateAsync($"new-{i}");
        await _world.ConfirmAsync("new-3");
        await PublishAsync();
        var p = (await _world.StoredAsync("new-0"))!;
        foreach (var id in (string[])["old-2", "another", "old-1"])
        {
            _world.Store.Put(Payout.Restore(
                PayoutId.Restore(id), 1, p.CreatedAt, p.PartyId, p.ShopId, p.PayoutToolId, p.CashFlow, p.Amount, p.Fee, PayoutStatus.Confirmed));
        }

        // What is in the topic shows that it is so.
        _world.Broker.Records.Add(("old-1", new PublishedEvent(1, PayloadDigest.Of([1]), 0, 50, PayoutState.Confirmed)));
        _world.Ledger.Calls.Clear();
        var pages = new List<AuditedPage>();

        var report = await AuditSinceAsync(DateTimeOffset.UnixEpoch, AuditScope.All, pages.Add);

        Assert.Equal((8, true), (report.Payouts, report.IsComplete));
        Assert.Equal(["another", "old-1", "old-2"], report.Findings.Select(audit => audit.PayoutId.Value));
        Assert.Equal("LedgerBehind: Commit payout_old-1", Describe(report.Findings[1]));
        Assert.All([report.Findings[0], report.Findings[2]], audit => Assert.Equal("LedgerBehind", Describe(audit)));
        Assert.Equal(
            ["new-0 new-1 new-2 new-3 new-4", "another old-1 old-2"],
            pages.Where(page => page.Audits.Count > 0).Select(page => string.Join(' ', page.Audits.Select(audit => audit.PayoutId.Value))));

        var rest = await AuditReport.MakeAsync(
            _world.Services.GetRequiredService<IMediator>(), pages[^1].UpTo with { PayoutId = "another" }, CancellationToken.None, AuditScope.All);
        Assert.Equal(2, rest.Payouts);
    }

    [Fact]
    public async Task An_audit_of_all_that_was_broken_off_goes_on_where_it_was()
    {
        for (var i = 100; i < 350; i++)
            await _world.CreateAsync($"p{i}", amount: 3_000);
        await PublishAsync();
        _world.Ledger.Calls.Clear();
        var pages = new List<AuditedPage>();

        await Assert.ThrowsAsync<IOException>(() => AuditAllAsync(isResumed: false, page =>
        {
            pages.Add(page);
            if (pages.Count == 2)
                throw new IOException("disk full");
        }));
        Assert.Equal(250, _world.Ledger.Calls.Count);
        // What was not taken is not done.
        Assert.True((await AuditAllAsync(isResumed: true, pages.Add)).IsAtEnd);
        Assert.Equal([200, 50, 50], pages.Where(page => page.Audits.Count > 0).Select(page => page.Audits.Count));

        // At its end the next begins anew, and so does one that is not to go on.
        pages.Clear();
        await AuditAllAsync(isResumed: true, pages.Add);
        await Assert.ThrowsAsync<IOException>(() => AuditAllAsync(isResumed: false, _ => throw new IOException("disk full")));
        await AuditAllAsync(isResumed: false, pages.Add);
        Assert.Equal([200, 50, 200, 50], pages.Where(page => page.Audits.Count > 0).Select(page => page.Audits.Count));
    }

    [Fact]
    public async Task One_at_a_time_audits_all()
    {
        await _world.CreateAsync();
        await PublishAsync();
        AuditUnderWayException? refused = null;

        await AuditAllAsync(isResumed: false, page =>
        {
            if (page.Audits.Count > 0)
                refused = Assert.ThrowsAsync<AuditUnderWayException>(() => AuditAllAsync(isResumed: false, _ => { })).Result;
        });

        Assert.Equal("Another audit of all payouts is under way.", refused?.Message);
    }

    [Fact]
    public async Task An_audit_of_all_ends_where_the_ledger_is_out_of_reach()
    {
        for (var i = 100; i < 350; i++)
            await _world.CreateAsync($"p{i}", amount: 3_000);
        await PublishAsync();
        _world.Ledger.BeforeCall = _ => _world.Ledger.IsSilent ? throw new NotDoneException("down") : Task.CompletedTask;
        var pages = new List<AuditedPage>();

        var stretch = await AuditAllAsync(isResumed: false, page =>
        {
            pages.Add(page);
            _world.Ledger.IsSilent = true;
        });

        Assert.Equal((false, true), (stretch.IsAtEnd, stretch.LedgerIsOutOfReach));
        Assert.Equal([false, true], pages.Select(page => page.LedgerIsOutOfReach));
        _world.Ledger.IsSilent = false;
        Assert.True((await AuditAllAsync(isResumed: true, page => pages.Add(page))).IsAtEnd);
        Assert.Equal([200, 50, 50], pages.Where(page => page.Audits.Count > 0).Select(page => page.Audits.Count));
    }

    /// <summary>An event is looked for near the time at which it was stored, and if it is not there further away.</summary>
    [Theory]
    [InlineData(0, "")]
    [InlineData(25, "")]
    [InlineData(500, "+600")]
    [InlineData(10_000, "+600 +14400")]
    [InlineData(100_000, "+600 +14400 end")]
    [InlineData(-250, "+600")]
    [InlineData(-400, "+600 +14400 end")]
    public async Task Events_are_looked_for_nearby_first(int secondsLate, string looks)
    {
        _world = new World(new InMemoryLedger(), audit: new AuditOptions { StretchSize = 1 });
        await _world.CreateAsync("p1");
        await _world.CreateAsync("p2");
        await PublishAsync();
        var stored = (await _world.Store.ReadAsync(new PayoutId("p1"), CancellationToken.None)).Events[0].StoredAt;
        foreach (var (_, record) in _world.Broker.Records)
            _world.Broker.SentAt[record.Offset] = stored.AddSeconds(secondsLate);

        var report = await AuditSinceAsync(stored.AddDays(-1));

        Assert.Equal(secondsLate == -400 ? "NotPublished NotPublished" : "", string.Join(' ', report.Findings.SelectMany(f => f.Disagreements).Select(d => d.Kind)));
        var reads = _world.Broker.Reads.Take(1 + looks.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length).ToList();
        Assert.Equal((stored.AddSeconds(-30), stored.AddSeconds(30), 1), reads[0]);
        Assert.Equal(
            looks, string.Join(' ', reads.Skip(1).Select(read => read.Until is { } until ? $"+{(until - stored).TotalSeconds}" : "end")));
        Assert.All(reads.Skip(1), read => Assert.Equal(stored.AddMinutes(-5), read.Since));
    }

    [Fact]
    public async Task What_the_topic_lacks_is_looked_for_once_for_many_payouts()
    {
        _world = new World(new InMemoryLedger { Balance = long.MaxValue / 2 }, audit: new AuditOptions { StretchSize = 400 });
        for (var i = 0; i < 450; i++)
            await _world.CreateAsync($"p{i}");
        await PublishAsync();
        _world.Broker.Records.Clear();

        var report = await AuditSinceAsync(DateTimeOffset.UnixEpoch);

        Assert.Equal(450, report.Disagreeing.Count());
        // Near their time, in ten minutes, in four hours, in all; and then the last fifty in all.
        Assert.Equal([400, 400, 400, 400, 50], _world.Broker.Reads.Select(read => read.Payouts));
    }

    /// <summary>A repeat of an earlier record does not make a later one come first, where only part of the topic was read.</summary>
    [Fact]
    public async Task What_seems_to_be_out_of_order_nearby_is_looked_at_as_a_whole()
    {
        _world = new World(new InMemoryLedger(), audit: new AuditOptions { StretchSize = 2 });
        await _world.CreateAsync("p1");
        await PublishAsync();
        _world.Clock.Advance(TimeSpan.FromHours(1));
        await _world.ConfirmAsync("p1");
        await _world.CreateAsync("p2");
        await PublishAsync();
        var records = _world.Broker.Records;
        _world.Broker.SentAt[records[0].Record.Offset] = _world.Clock.GetUtcNow().AddHours(-1);
        records.Add(("p1", records[0].Record with { Offset = 77 }));
        _world.Broker.SentAt[77] = _world.Clock.GetUtcNow();

        Assert.Empty((await AuditSinceAsync(_world.Clock.GetUtcNow().AddMinutes(-10))).Findings);

        // Without the first one it is so.
        records.RemoveAt(0);
        var report = await AuditSinceAsync(_world.Clock.GetUtcNow().AddMinutes(-10));
        Assert.Equal("PublishedOutOfOrder", Describe(Assert.Single(report.Findings)));
    }

    [Fact]
    public void Of_a_topic_only_what_is_wanted_and_new_is_kept()
    {
        var wanted = new WantedRecords([new("p1"), new("p2")]);
        for (var i = 0; i < 200_000; i++)
        {
            wanted.Add($"other-{i}", new PublishedEvent(0, PayloadDigest.Of([1]), 0, i, PayoutState.Unpaid));
            wanted.Add("p1", new PublishedEvent(i % 2, PayloadDigest.Of([(byte)(i % 2)]), 0, i, PayoutState.Unpaid));
            // Somebody writes other things under its name.
            wanted.Add("p2", new PublishedEvent(null, PayloadDigest.Of(BitConverter.GetBytes(i)), 0, i, State: null));
        }

        Assert.Equal(2 + WantedRecords.MostOfPayout, wanted.Count);
        Assert.Equal([0, 1], wanted.ToContents(default, new Dictionary<int, long>()).Of(new PayoutId("p1")).Select(record => record.SequenceId));
    }

    [Fact]
    public async Task A_ledger_out_of_reach_is_not_asked_about_every_payout()
    {
        for (var i = 0; i < 250; i++)
            await _world.CreateAsync($"p{i}", amount: 3_000);
        await PublishAsync();
        _world.Ledger.Calls.Clear();
        for (var i = 0; i < 8; i++)
            _world.Ledger.Fail("Hold", new NotDoneException("down"));
        _world.Ledger.Fail("Answers", new NotDoneException("down"));

        var report = await AuditSinceAsync(_world.Clock.GetUtcNow() - TimeSpan.FromHours(1));

        Assert.Equal((200, false), (report.Payouts, report.IsComplete));
        Assert.Equal(200, report.NotAnswered.Count());
        Assert.Equal(9, _world.Ledger.Calls.Count);
    }

    [Fact]
    public async Task Payouts_that_the_ledger_never_answers_for_keep_no_others_from_being_audited()
    {
        for (var i = 0; i < 12; i++)
            await _world.CreateAsync($"p{i}", amount: 3_000);
        await PublishAsync();
        for (var i = 0; i < 8; i++)
            _world.Ledger.Fail("Hold", new OutcomeUnknownException("lost"));

        var report = await AuditSinceAsync(_world.Clock.GetUtcNow() - TimeSpan.FromHours(1));

        Assert.Equal((12, true), (report.Payouts, report.IsComplete));
        Assert.Equal(["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"], report.NotAnswered.Select(audit => audit.PayoutId.Value));
    }

    /// <summary>A world in which the ledger's records can be read.</summary>
    private static World WithRecords()
    {
        var ledger = new InMemoryLedger();
        return new World(ledger, ledger);
    }

    private Task<AuditedStretch> AuditAllAsync(bool isResumed, Action<AuditedPage> onPage) => _world.SendAsync(new AuditAllCommand(
        isResumed,
        (page, _) =>
        {
            onPage(page);
            return Task.CompletedTask;
        }));

    private Task<AuditReport> AuditSinceAsync(
        DateTimeOffset since, AuditScope scope = AuditScope.Changes, Action<AuditedPage>? onPage = null) =>
        AuditReport.MakeAsync(
            _world.Services.GetRequiredService<IMediator>(), AuditPosition.At(since), CancellationToken.None, scope, onPage);

    /// <summary>
    /// A payout with a published history: of the verbs, or of a predecessor, as <c>old STATUS SEQUENCE_ID</c>, whose plan is held and
    /// whose events are forgotten. What was called for it is forgotten, too.
    /// </summary>
    private async Task<Payout> LiveAsync(string history)
    {
        if (history.Split(' ') is ["old", var status, var sequenceId])
        {
            var p = await new World().CreateAsync();
            _world.Store.Put(Payout.Restore(
                p.Id, int.Parse(sequenceId), p.CreatedAt, p.PartyId, p.ShopId, p.PayoutToolId, p.CashFlow, p.Amount, p.Fee,
                PayoutStatus.Restore(Enum.Parse<PayoutState>(status), "why")));
            _world.Ledger.Move(p.HoldPlan, State.Held);
        }
        else
        {
            await _world.CreateAsync();
            foreach (var verb in history.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                await (verb == "confirm" ? _world.ConfirmAsync() : _world.CancelAsync());
            await PublishAsync();
        }

        _world.Ledger.Calls.Clear();
        return (await _world.StoredAsync())!;
    }

    private Task PublishAsync() => _world.RelayAsync(200, () => _world.Store.Outbox.Count == 0);

    private Task<PayoutAudit> AuditAsync() => _world.SendAsync(new AuditPayoutQuery("p1"));

    private Task<RepairReport> RepairAsync() => _world.SendAsync(new RepairPayoutCommand("p1", Operator));

    /// <summary>Somebody else moves a plan, holds it with other postings, or loses it.</summary>
    private void Set(LedgerPlan plan, string state)
    {
        if (state == "absent")
            _world.Ledger.Lose(plan.Id);
        else if (state == "other")
            _world.Ledger.Move(LedgerPlan.Restore(plan.Id, plan.Postings.Skip(1)), State.Held);
        else
            _world.Ledger.Move(plan, Enum.Parse<State>(state));
    }

    private string StateOf(string planId) => _world.Ledger.Plans.TryGetValue(planId, out var state) ? $"{state}" : "absent";

    /// <summary>Somebody does something to row, events or topic.</summary>
    private void Do(Payout p, string done)
    {
        var records = _world.Broker.Records;
        switch (done.Split(' '))
        {
            case ["row", "deleted"]:
                _world.Store.Delete("p1");
                break;
            case ["row", var state]:
                Edit(p.SequenceId, PayoutStatus.Restore(Enum.Parse<PayoutState>(state), "by hand"));
                break;
            case ["sequence", var id]:
                Edit(int.Parse(id), p.Status);
                break;
            case ["topic", var state, var id]:
                records.Add(("p1", new PublishedEvent(int.Parse(id), PayloadDigest.Of([1]), 0, 5, Enum.Parse<PayoutState>(state))));
                break;
            case ["event", var id, "lost", "everywhere"]:
                _world.Store.LoseEvent("p1", int.Parse(id));
                records.RemoveAll(r => r.Record.SequenceId == int.Parse(id));
                break;
            case ["event", var id, "lost"]:
                _world.Store.LoseEvent("p1", int.Parse(id));
                break;
            case ["record", "of", "somebody"]:
                records.Add(("p1", new PublishedEvent(null, PayloadDigest.Of([2]), 0, 10, State: null)));
                break;
            case ["record", "in", "another", "partition"]:
                records[1] = ("p1", records[1].Record with { Partition = 3 });
                break;
            case ["records", "swapped"]:
                records.Reverse();
                break;
            default:
                throw new ArgumentException(done, nameof(done));
        }

        void Edit(int sequenceId, PayoutStatus status) => _world.Store.Put(Payout.Restore(
            p.Id, sequenceId, p.CreatedAt, p.PartyId, p.ShopId, p.PayoutToolId, p.CashFlow, p.Amount, p.Fee, status));
    }

    /// <summary>What was found, with its repairs; after a question mark what is not known.</summary>
    private static string Describe(PayoutAudit audit) => audit.IsUnderWay || audit.Failure is not null
        ? $"under way, or {audit.Failure}"
        : string.Join(", ", [.. audit.Disagreements.Select(Describe), .. audit.NotKnown.Select(d => $"? {Describe(d)}")]);

    private static string Describe(Disagreement d) => d.Repairs.Count == 0
        ? $"{d.Kind}"
        : $"{d.Kind}: {string.Join(", ", d.Repairs.Select(repair => $"{repair.Action} {repair.PlanId}".TrimEnd()))}";
}
