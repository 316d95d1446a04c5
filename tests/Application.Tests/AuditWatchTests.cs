using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;
using State = PayoutManager.Testing.InMemory.PlanState;

namespace PayoutManager.Application.Tests;

public sealed class AuditWatchTests : IDisposable
{
    private readonly Dictionary<string, double> _figures = [];
    private readonly MeterListener _listener = new();
    private readonly List<AuditWatch> _watches = [];

    /// <summary>Replaced by tests before their first step.</summary>
    private World _world = new();

    public AuditWatchTests()
    {
        _listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == AuditWatch.MeterName)
                self.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => _figures[instrument.Name] = value);
        _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => _figures[instrument.Name] = value);
        _listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => _figures[instrument.Name] = value);
        _listener.Start();
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var watch in _watches)
            watch.Dispose();
    }

    [Fact]
    public async Task The_watch_keeps_figures_of_what_disagrees_and_repairs_nothing()
    {
        var watch = Host();
        await CreateAsync(1);
        _world.Ledger.Move((await _world.StoredAsync("p1"))!.HoldPlan, State.Committed);
        using var stop = new CancellationTokenSource();
        var running = watch.RunAsync(stop.Token);

        await PassUntilAsync(() => Figures().GetValueOrDefault("payouts.audit.age", 1000) is > 600 and < 740);
        await PassUntilAsync(() => Figures().GetValueOrDefault("payouts.audit.age") is > 120 and < 180);

        // Everything up to then, which is as far back as changes may still become visible.
        Assert.Equal((1, 1), (Figure("payouts.audit.payouts"), Figure("payouts.audit.disagreeing")));
        Assert.Equal(PayoutState.Unpaid, (await _world.StoredAsync("p1"))!.Status.State);

        // It has not changed since, and still does not agree; then somebody mends it.
        var lastSeen = _world.Store.Findings.Single().LastSeenAt;
        await PassUntilAsync(() => _world.Store.Findings.Single().LastSeenAt > lastSeen);
        Assert.Equal((1, 1), (Figure("payouts.audit.payouts"), Figure("payouts.audit.disagreeing")));
        await _world.ConfirmAsync("p1");
        await PublishAsync();
        await PassUntilAsync(() => Figures().GetValueOrDefault("payouts.audit.disagreeing", 1) == 0);

        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);
    }

    [Fact]
    public async Task Figures_of_a_database_out_of_reach_are_not_shown()
    {
        using var stop = new CancellationTokenSource();
        var running = Host().RunAsync(stop.Token);
        await PassUntilAsync(() => Figures().GetValueOrDefault("payouts.audit.age") > 20);

        _world.Store.BeforeCall = method =>
        {
            if (method == "ReadAuditAsync")
                throw new NotDoneException("down");
        };
        await PassUntilAsync(() => !Figures().ContainsKey("payouts.audit.age"));
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);
    }

    [Fact]
    public async Task Every_change_is_audited_whatever_their_number()
    {
        _world = new World(new InMemoryLedger(), audit: new AuditOptions { StretchSize = 90 });
        await CreateAsync(250);

        await AuditAsync(Host());

        Assert.Equal(Holds(1, 250), _world.Ledger.Calls.Order());
        // Five changes past the last whole stretch; the topic was read once for each.
        Assert.Equal([90, 90, 70], _world.Broker.Reads.Select(read => read.Payouts));
        Assert.Null(_world.Broker.Reads[^1].Until);
    }

    [Fact]
    public async Task The_ledger_is_not_asked_more_often_than_it_may_be()
    {
        await CreateAsync(500);
        var began = _world.Clock.GetUtcNow();

        await AuditAsync(Host());

        Assert.InRange(_world.Clock.GetUtcNow() - began, TimeSpan.FromSeconds(5), TimeSpan.MaxValue);
    }

    [Fact]
    public async Task Another_host_goes_on_where_one_has_stopped()
    {
        await CreateAsync(250);
        using var stop = new CancellationTokenSource();
        // In the middle of its second page.
        _world.Ledger.BeforeCall = _ => _world.Ledger.Calls.Count > 220 ? stop.CancelAsync() : Task.CompletedTask;

        var stopped = Host().AuditAsync(stop.Token);
        await _world.PassTimeUntilAsync(stopped);
        Assert.True(stopped.IsCanceled);
        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        var first = _world.Ledger.Calls.Take(200).ToList();
        var begun = _world.Ledger.Calls.Count;
        await AuditAsync(Host());

        Assert.Equal(Holds(1, 250), first.Concat(_world.Ledger.Calls.Skip(begun)).Order());
    }

    [Fact]
    public async Task Of_two_hosts_one_audits_and_the_other_goes_on_when_it_dies()
    {
        await CreateAsync(250);
        var (first, second) = (Host(), Host());
        var (isThere, isDead) = (new TaskCompletionSource(), new TaskCompletionSource());
        // It dies in the middle of its second page: nothing of it comes to the database any more.
        _world.Ledger.BeforeCall = _ =>
        {
            if (_world.Ledger.Calls.Count <= 220)
                return Task.CompletedTask;
            isThere.TrySetResult();
            return isDead.Task;
        };
        var dying = first.AuditAsync(CancellationToken.None);
        await _world.PassTimeUntilAsync(isThere.Task);
        var begun = _world.Ledger.Calls.Count;

        // While it lives, its lease is renewed.
        await PassAsync(TimeSpan.FromMinutes(2));
        await second.AuditAsync(CancellationToken.None);
        Assert.Equal(begun, _world.Ledger.Calls.Count);
        await LoseLeaseAsync();
        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        await AuditAsync(second);

        // What the dead one had begun with is done anew, and nothing before.
        Assert.Equal(Holds(1, 250), _world.Ledger.Calls.Take(200).Concat(_world.Ledger.Calls.Skip(begun)).Order());
        isDead.SetException(new NotDoneException("dead"));
        await Assert.ThrowsAsync<NotDoneException>(() => _world.PassTimeUntilAsync(dying));
        Assert.Empty(_world.Store.Findings);
    }

    [Fact]
    public async Task A_host_that_was_thought_dead_does_not_move_the_place()
    {
        await CreateAsync(250);
        var (first, second) = (Host(), Host());
        var mayGoOn = new TaskCompletionSource();
        _world.Ledger.BeforeCall = _ => _world.Ledger.Calls.Count > 200 ? mayGoOn.Task : Task.CompletedTask;
        var sleeping = first.AuditAsync(CancellationToken.None);
        await PassAsync(TimeSpan.FromSeconds(5));
        await LoseLeaseAsync();
        _world.Ledger.BeforeCall = _ => Task.CompletedTask;
        await AuditAsync(second);
        await CreateAsync(300, from: 251);
        await AuditAsync(second);
        var place = _world.Store.AuditedUpTo;

        mayGoOn.SetResult();
        var e = await Assert.ThrowsAsync<NotDoneException>(() => _world.PassTimeUntilAsync(sleeping));

        Assert.Equal("The audit is another host's.", e.Message);
        Assert.Equal(place, _world.Store.AuditedUpTo);
    }

    /// <summary>A change is stored at an instant, and becomes visible when its transaction commits.</summary>
    [Fact]
    public async Task A_change_that_becomes_visible_late_is_audited()
    {
        var watch = Host();
        await CreateAsync(1);
        await AuditAsync(watch);
        Assert.Equal(["Hold payout_p1"], _world.Ledger.Calls);
        await CreateAsync(3, from: 3);
        await AuditAsync(watch);
        Assert.Equal(["Hold payout_p1", "Hold payout_p3"], _world.Ledger.Calls);

        // It was stored a minute before it becomes visible, when others have been audited up to now.
        await CreateAsync(2, from: 2, settle: false);
        _world.Store.SetBack("p2", 0, TimeSpan.FromMinutes(1));
        await CreateAsync(4, from: 4);
        await AuditAsync(watch);

        Assert.Equal(["Hold payout_p1", "Hold payout_p3", "Hold payout_p2", "Hold payout_p4"], _world.Ledger.Calls);
    }

    [Fact]
    public async Task A_payout_that_changes_again_is_asked_for_once_and_each_of_its_events_is_looked_for()
    {
        _world = new World(new InMemoryLedger(), audit: new AuditOptions { StretchSize = 2 });
        await CreateAsync(1);
        _world.Clock.Advance(TimeSpan.FromHours(1));
        await CreateAsync(2, from: 2);
        await _world.ConfirmAsync("p1");
        await PublishAsync();
        _world.Clock.Advance(TimeSpan.FromMinutes(3));
        _world.Ledger.Calls.Clear();
        // The topic has lost its first event, which the stretch of its second does not judge.
        _world.Broker.Records.RemoveAll(r => r.PayoutId == "p1" && r.Record.SequenceId == 0);

        await AuditAsync(Host());

        var finding = Assert.Single(_world.Store.Findings).Finding;
        Assert.Equal(("p1", "NotPublished"), (finding.PayoutId.Value, finding.Kind));
        Assert.Equal("The broker has acknowledged event 0, and the topic does not have it.", finding.Description);
        Assert.Equal(["Hold payout_p2", "Hold payout_p1", "Hold payout_p1", "Commit payout_p1"], _world.Ledger.Calls);
    }

    [Fact]
    public async Task What_was_not_answered_is_asked_for_again()
    {
        var watch = Host();
        await CreateAsync(2);
        _world.Ledger.Fail("Hold", new DependencyFailedException("odd", "Result Unexpected"));

        await AuditAsync(watch);
        Assert.Equal("NotAnswered", Assert.Single(_world.Store.Findings).Finding.Kind);
        Assert.Equal((0, 1), (Figure("payouts.audit.disagreeing"), Figure("payouts.audit.waiting")));
        await AuditAsync(watch);
        Assert.Equal(2, _world.Ledger.Calls.Count);
        _world.Clock.Advance(TimeSpan.FromMinutes(10));
        await AuditAsync(watch);

        Assert.Equal(["Hold payout_p1", "Hold payout_p2", "Hold payout_p1"], _world.Ledger.Calls);
        Assert.Empty(_world.Store.Findings);
    }

    [Fact]
    public async Task The_watch_begins_again_where_the_ledger_was_out_of_reach()
    {
        var watch = Host();
        await CreateAsync(1);
        _world.Ledger.Fail("Hold", new NotDoneException("down"));
        _world.Ledger.Fail("Answers", new NotDoneException("down"));

        var e = await Assert.ThrowsAsync<AuditUnfinishedException>(() => AuditAsync(watch));
        Assert.Equal("The ledger gives no answer: down", e.Message);
        Assert.Empty(_world.Store.Findings);
        await AuditAsync(watch);

        Assert.Equal(["Hold payout_p1", "Answers ", "Hold payout_p1"], _world.Ledger.Calls);
    }

    [Fact]
    public async Task What_was_being_changed_is_audited_once_it_is_not()
    {
        var watch = Host();
        await CreateAsync(1);
        var intended = await _world.Store.IntendAsync(
            new PayoutId("p1"), new ConfirmIntent(), 0, "other", null, TimeSpan.FromHours(1), CancellationToken.None);
        await AuditAsync(watch);
        Assert.Equal("UnderWay", Assert.Single(_world.Store.Findings).Finding.Kind);
        Assert.Empty(_world.Ledger.Calls);

        // It ends without effect, and so without an event.
        await _world.Store.AbandonAsync(((Intended.Started)intended).Operation, AttemptNote.None, CancellationToken.None);
        _world.Clock.Advance(TimeSpan.FromMinutes(10));
        await AuditAsync(watch);

        Assert.Equal(["Hold payout_p1"], _world.Ledger.Calls);
        Assert.Empty(_world.Store.Findings);
    }

    [Fact]
    public async Task What_the_broker_acknowledges_late_is_looked_for_in_the_topic()
    {
        var watch = Host();
        await CreateAsync(1, settle: false);
        _world.Clock.Advance(TimeSpan.FromMinutes(3));
        await AuditAsync(watch);
        Assert.Equal("NotAcknowledged", Assert.Single(_world.Store.Findings).Finding.Kind);

        await PublishAsync();
        _world.Broker.Records.Clear();
        _world.Clock.Advance(TimeSpan.FromMinutes(10));
        await AuditAsync(watch);
        Assert.Equal(("NotPublished", true), (_world.Store.Findings.Single().Finding.Kind, _world.Store.Findings.Single().Finding.Disagrees));

        await _world.SendAsync(new RepairPayoutCommand("p1", new Actor("olga", "ticket 7")));
        await PublishAsync();
        _world.Clock.Advance(TimeSpan.FromMinutes(10));
        await AuditAsync(watch);
        Assert.Empty(_world.Store.Findings);
    }

    [Fact]
    public async Task A_repair_after_which_all_agrees_ends_the_finding()
    {
        var ledger = new InMemoryLedger();
        _world = new World(ledger, ledger);
        await CreateAsync(1);
        ledger.Move((await _world.StoredAsync("p1"))!.HoldPlan, State.Committed);
        await AuditAsync(Host());
        Assert.Equal("PayoutBehind", Assert.Single(_world.Store.Findings).Finding.Kind);

        await _world.SendAsync(new RepairPayoutCommand("p1", new Actor("olga", "ticket 7")));

        Assert.Empty(_world.Store.Findings);
    }

    /// <summary>The more of the topic has to be read for it, the more rarely.</summary>
    [Fact]
    public async Task What_only_the_topic_shows_is_looked_for_more_and_more_rarely()
    {
        var watch = Host();
        await CreateAsync(2);
        _world.Broker.Records.RemoveAll(r => r.PayoutId == "p1");
        _world.Ledger.Move((await _world.StoredAsync("p2"))!.HoldPlan, State.Committed);
        var looks = new List<int>();
        for (var hour = 0; hour < 48; hour++)
        {
            var reads = _world.Broker.Reads.Count;
            await AuditAsync(watch);
            if (_world.Broker.Reads.Count > reads)
                looks.Add(hour);
            _world.Clock.Advance(TimeSpan.FromHours(1));
        }

        Assert.InRange(looks.Count, 11, 15);
        Assert.InRange(looks[^1] - looks[^2], 6, 10);
        // The other needs no look into the topic.
        Assert.Equal(2 * 48, _world.Ledger.Calls.Count(call => call == "Hold payout_p2"));
        Assert.Equal(2, _world.Store.Findings.Count);
    }

    [Fact]
    public async Task With_too_much_to_tell_the_audit_stands_still()
    {
        _world = new World(new InMemoryLedger(), audit: new AuditOptions { MostFindings = 100, StretchSize = 1000 });
        await CreateAsync(450);
        _world.Broker.Records.Clear();
        var watch = Host();

        var e = await Assert.ThrowsAsync<NotDoneException>(() => AuditAsync(watch));
        Assert.EndsWith("200 payouts do not agree, and 0 could not be compared.", e.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<NotDoneException>(() => AuditAsync(watch));
        Assert.Equal(200, _world.Store.Findings.Count);

        // Once they are repaired it goes on.
        foreach (var finding in _world.Store.Findings.ToList())
            await _world.Store.SendAgainAsync(finding.Finding.PayoutId, 0, CancellationToken.None);
        await PublishAsync();
        _world.Clock.Advance(TimeSpan.FromMinutes(10));
        e = await Assert.ThrowsAsync<NotDoneException>(() => AuditAsync(watch));
        Assert.EndsWith("200 payouts do not agree, and 0 could not be compared.", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("p1", _world.Store.Findings.Select(f => f.Finding.PayoutId.Value));
    }

    [Fact]
    public async Task An_interval_of_zero_means_never_by_this_host()
    {
        _world = new World(new InMemoryLedger(), audit: new AuditOptions { Interval = TimeSpan.Zero });
        await CreateAsync(1);
        using var stop = new CancellationTokenSource();
        var running = Host().RunAsync(stop.Token);

        await PassUntilAsync(() => Figures().GetValueOrDefault("payouts.audit.age") > 3600);

        Assert.Empty(_world.Ledger.Calls);
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);
    }

    private static IEnumerable<string> Holds(int from, int to) =>
        Enumerable.Range(from, to - from + 1).Select(i => $"Hold payout_p{i}").Order();

    /// <summary>A host's watch.</summary>
    private AuditWatch Host()
    {
        var watch = ActivatorUtilities.CreateInstance<AuditWatch>(_world.Services);
        _watches.Add(watch);
        return watch;
    }

    private Task AuditAsync(AuditWatch watch) => _world.PassTimeUntilAsync(watch.AuditAsync(CancellationToken.None));

    /// <summary>Nothing of the host that has the lease comes to the database until it has run out.</summary>
    private async Task LoseLeaseAsync()
    {
        _world.Store.BeforeCall = method =>
        {
            if (method == "LeaseAuditAsync")
                throw new NotDoneException("dead");
        };
        await PassAsync(TimeSpan.FromSeconds(31));
        _world.Store.BeforeCall = _ => { };
    }

    /// <summary>Payouts of which the topic knows, old enough to be audited.</summary>
    private async Task CreateAsync(int to, int from = 1, bool settle = true)
    {
        _world.Ledger.Balance = long.MaxValue / 2;
        var before = _world.Ledger.Calls.Count;
        for (var i = from; i <= to; i++)
            await _world.CreateAsync($"p{i}", amount: 3_000);
        if (settle)
        {
            await PublishAsync();
            _world.Clock.Advance(TimeSpan.FromMinutes(3));
        }

        _world.Ledger.Calls.RemoveRange(before, _world.Ledger.Calls.Count - before);
    }

    private Task PublishAsync() => _world.RelayAsync(2000, () => _world.Store.Outbox.Count == 0);

    private async Task PassAsync(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromSeconds(1))
        {
            await World.SettleAsync();
            _world.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        await World.SettleAsync();
    }

    private async Task PassUntilAsync(Func<bool> isSo)
    {
        for (var seconds = 0; !isSo(); seconds++)
        {
            Assert.True(seconds < 7200, "It does not come to be so.");
            await PassAsync(TimeSpan.FromSeconds(1));
        }
    }

    private double Figure(string name) => Figures()[name];

    private Dictionary<string, double> Figures()
    {
        _figures.Clear();
        _listener.RecordObservableInstruments();
        return _figures;
    }
}
