using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using PayoutManager.Application.Background;
using PayoutManager.Application.Events;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing;

namespace PayoutManager.Application.Tests;

public class EventRelayTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly int[] All = [.. Enumerable.Range(0, EventLane.Count)];

    private readonly World _world = new();
    private readonly TimeSpan _lease = new RelayOptions().LeaseDuration;

    [Fact]
    public async Task Every_event_is_sent_in_order_and_marked()
    {
        await HistoryAsync("p1");
        await HistoryAsync("p2");

        await RelayUntilAsync(() => _world.Store.Outbox.Count == 0);

        Assert.Equal([0, 1, 2], SequenceOf("p1"));
        Assert.Equal([0, 1, 2], SequenceOf("p2"));
    }

    [Fact]
    public async Task An_event_that_cannot_be_sent_is_tried_again_and_keeps_back_its_own_payout_only()
    {
        await HistoryAsync("p1");
        await HistoryAsync("p2");
        _world.Broker.Refusals[("p1", 1)] = 3;

        await RelayUntilAsync(() => _world.Store.Outbox.Count == 0);

        Assert.Equal([0, 1, 2], SequenceOf("p1"));
        Assert.True(_world.Broker.Topic.IndexOf(("p2", 2)) < _world.Broker.Topic.IndexOf(("p1", 1)));
    }

    [Fact]
    public async Task Nothing_is_marked_before_it_is_acknowledged()
    {
        await _world.CreateAsync();
        _world.Broker.Silence = new TaskCompletionSource();

        await _world.RelayAsync(rounds: 50);

        Assert.Equal(1, _world.Broker.Opened);
        Assert.Single(_world.Store.Outbox);
        Assert.Empty(_world.Broker.Topic);
    }

    [Fact]
    public async Task A_broken_line_is_opened_anew_from_the_table()
    {
        await HistoryAsync("p1");
        _world.Broker.BreakNext = true;

        await RelayUntilAsync(() => _world.Store.Outbox.Count == 0);

        Assert.Equal([0, 1, 2], SequenceOf("p1"));
        Assert.Equal(2, _world.Broker.Opened);
    }

    [Theory]
    [InlineData("ReadAsync")]
    [InlineData("AcknowledgeAsync")]
    [InlineData("ReadLanesAsync")]
    [InlineData("LeaseLanesAsync")]
    public async Task A_database_out_of_reach_loses_nothing(string method)
    {
        await HistoryAsync("p1");
        _world.Store.Faults.Enqueue((method, new NotDoneException("down")));

        await RelayUntilAsync(() => _world.Store.Outbox.Count == 0);

        // At least once: what was acknowledged but not marked is sent again, never out of order among new ones.
        Assert.Equal([0, 1, 2], SequenceOf("p1").Distinct());
    }

    [Fact]
    public async Task Only_the_holder_of_a_lane_sends_its_events_and_another_follows_when_the_lease_ends()
    {
        await _world.CreateAsync();
        Assert.Equal([LaneOf("p1")], await _world.Store.LeaseLanesAsync("another host", [LaneOf("p1")], _lease, None));

        await _world.RelayAsync(rounds: 100);
        Assert.Empty(_world.Broker.Topic);

        await RelayUntilAsync(() => _world.Store.Outbox.Count == 0);
        Assert.Equal([0], SequenceOf("p1"));
    }

    [Fact]
    public async Task A_relay_that_stops_leaves_its_lanes_at_once()
    {
        using var stop = new CancellationTokenSource();
        var (progress, running) = Start(stop.Token);
        await PassUntilAsync(() => progress.State.Lanes.Length == EventLane.Count);

        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);

        Assert.Equal(All, await _world.Store.LeaseLanesAsync("another host", All, _lease, None));
        Assert.Equal(["another host"], (await _world.Store.ReadLanesAsync(None)).Hosts);
        Assert.Empty(progress.State.Lanes);
    }

    [Theory]
    [InlineData(2, new[] { 8, 8 })]
    [InlineData(3, new[] { 5, 5, 6 })]
    [InlineData(5, new[] { 3, 3, 3, 3, 4 })]
    [InlineData(17, new[] { 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 })]
    public async Task Lanes_are_shared_out_evenly_also_among_hosts_that_come_and_go(int hosts, int[] shares)
    {
        using var stop = new CancellationTokenSource();
        using var stopOne = new CancellationTokenSource();
        var relays = new List<(RelayProgress Progress, Task Running)> { Start(stopOne.Token) };
        await PassUntilAsync(() => relays[0].Progress.State.Lanes.Length == EventLane.Count);

        relays.AddRange(Enumerable.Range(1, hosts).Select(_ => Start(stop.Token)));
        await PassUntilAsync(() => Lanes(relays).Count == EventLane.Count && Lanes(relays).Distinct().Count() == EventLane.Count
            && relays.All(relay => relay.Progress.State.Lanes.Length <= (EventLane.Count / (hosts + 1)) + 1));

        await stopOne.CancelAsync();
        relays.RemoveAt(0);
        await PassUntilAsync(() => relays.Select(relay => relay.Progress.State.Lanes.Length).Order().SequenceEqual(shares));

        Assert.Equal(All, Lanes(relays).Order());
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(Task.WhenAll(relays.Select(relay => relay.Running)));
    }

    [Fact]
    public async Task A_lane_is_given_up_when_its_events_have_arrived()
    {
        // Those with the highest numbers are given up.
        var id = Enumerable.Range(0, 1000).Select(i => $"p{i}").First(id => LaneOf(id) == EventLane.Count - 1);
        await _world.CreateAsync(id);
        _world.Broker.Silence = new TaskCompletionSource();
        using var stop = new CancellationTokenSource();
        var first = Start(stop.Token);
        await PassUntilAsync(() => _world.Broker.Sent.Count == 1);

        var second = Start(stop.Token);
        await PassUntilAsync(() => second.Progress.State.Lanes.Length == (EventLane.Count / 2) - 1);
        await PassAsync(TimeSpan.FromSeconds(2));
        Assert.Contains(LaneOf(id), first.Progress.State.Lanes);
        _world.Broker.Silence.SetResult();
        await PassUntilAsync(() => second.Progress.State.Lanes.Length == EventLane.Count / 2);

        Assert.Equal([(id, 0)], _world.Broker.Sent);
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(Task.WhenAll(first.Running, second.Running));
    }

    [Fact]
    public async Task A_lane_whose_acknowledged_events_could_not_be_marked_in_time_is_given_up_once_they_can()
    {
        // Those with the highest numbers are given up.
        await _world.CreateAsync(Enumerable.Range(0, 1000).Select(i => $"p{i}").First(id => LaneOf(id) == EventLane.Count - 1));
        var canMark = false;
        _world.Store.BeforeCall = method =>
        {
            if (method == nameof(IEventOutbox.AcknowledgeAsync) && !canMark)
                throw new NotDoneException("locked");
        };
        using var stop = new CancellationTokenSource();
        var first = Start(stop.Token);
        await PassUntilAsync(() => _world.Broker.Topic.Count == 1);
        var second = Start(stop.Token);
        await PassUntilAsync(() => second.Progress.State.Lanes.Length == (EventLane.Count / 2) - 1);
        await PassAsync(new RelayOptions().ClosingTime * 2);

        canMark = true;
        await PassUntilAsync(() => second.Progress.State.Lanes.Length == EventLane.Count / 2);

        Assert.Empty(_world.Store.Outbox);
        Assert.Single(_world.Broker.Topic);
        Assert.Equal(0, _world.Broker.Closed);
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(Task.WhenAll(first.Running, second.Running));
    }

    [Fact]
    public async Task Nothing_leaves_for_a_lane_that_another_host_has_taken()
    {
        await _world.CreateAsync();
        _world.Broker.Silence = new TaskCompletionSource();
        using var stop = new CancellationTokenSource();
        var (_, running) = Start(stop.Token);
        await PassUntilAsync(() => _world.Broker.Sent.Count == 1);

        // The database is out of reach until the leases have run out.
        _world.Store.BeforeCall = _ => throw new NotDoneException("down");
        await PassUntilAsync(() => _world.Broker.Closed == 1);

        _world.Broker.Silence.SetResult();
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);
        Assert.Empty(_world.Broker.Topic);
    }

    [Fact]
    public async Task A_short_failure_of_the_database_keeps_the_session()
    {
        using var stop = new CancellationTokenSource();
        var (_, running) = Start(stop.Token);
        await PassUntilAsync(() => _world.Broker.Opened == 1);
        await HistoryAsync("p1");
        foreach (var method in (string[])["ReadAsync", "AcknowledgeAsync", "ReadLanesAsync"])
        {
            for (var i = 0; i < 3; i++)
                _world.Store.Faults.Enqueue((method, new NotDoneException("down")));
        }

        await PassUntilAsync(() => _world.Store.Outbox.Count == 0 && _world.Store.Faults.Count == 0);

        Assert.Equal((1, 0), (_world.Broker.Opened, _world.Broker.Closed));
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);
    }

    [Fact]
    public async Task What_is_acknowledged_while_a_stopping_relay_marks_is_marked_too()
    {
        await _world.CreateAsync("p1");
        await _world.CreateAsync("p2");
        var sent = new Dictionary<string, TaskCompletionSource> { ["p1"] = new(), ["p2"] = new() };
        var session = Substitute.For<IEventSession>();
        session.SendAsync(Arg.Any<OutboxEvent>()).Returns(call => sent[call.Arg<OutboxEvent>().PayoutId.Value].Task);
        var publisher = Substitute.For<IEventPublisher>();
        publisher.Open().Returns(session);
        _world.Store.BeforeCall = method =>
        {
            if (method == nameof(IEventOutbox.AcknowledgeAsync))
                sent["p2"].TrySetResult();
        };
        using var stop = new CancellationTokenSource();
        var (_, running) = Start(stop.Token, publisher);
        await PassUntilAsync(() => session.ReceivedCalls().Count(call => call.GetMethodInfo().Name == nameof(IEventSession.SendAsync)) == 2);

        await stop.CancelAsync();
        sent["p1"].SetResult();
        await _world.PassTimeUntilAsync(running);

        Assert.Empty(_world.Store.Outbox);
        session.Received(1).Dispose();
    }

    [Fact]
    public async Task An_event_that_is_refused_again_and_again_is_tried_after_growing_pauses()
    {
        await _world.CreateAsync();
        _world.Broker.Refusals[("p1", 0)] = int.MaxValue;

        using var stop = new CancellationTokenSource();
        var (progress, running) = Start(stop.Token);
        var sentAt = new List<DateTimeOffset>();
        await PassUntilAsync(
            () =>
            {
                if (_world.Broker.Sent.Count > sentAt.Count)
                    sentAt.Add(_world.Clock.GetUtcNow());
                return sentAt.Count == 9;
            },
            atMost: TimeSpan.FromMinutes(10));

        var pauses = sentAt.Zip(sentAt.Skip(1), (before, after) => (after - before).TotalSeconds);
        Assert.All(pauses.Zip([1, 2, 4, 8, 16, 32, 60, 60]), pause => Assert.InRange(pause.First, pause.Second - 0.2, 100));
        Assert.Equal((1, "too large"), (progress.State.BlockedCount, progress.State.Blocked["p1"]));
        Assert.Empty(progress.State.Waiting);
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);
    }

    [Fact]
    public async Task Where_everything_is_refused_the_lanes_are_tried_with_one_event_at_a_time_and_all_is_sent_at_once_afterwards()
    {
        for (var i = 0; i < 500; i++)
            _world.Store.PutEvent(new PayoutCreated(Payouts.Unpaid($"p{i}"), _world.Clock.GetUtcNow()));
        var read = 0;
        _world.Store.BeforeCall = method => read += method == "ReadAsync" ? 1 : 0;
        _world.Broker.RefusesAll = true;
        using var stop = new CancellationTokenSource();
        var (progress, running) = Start(stop.Token);
        await PassUntilAsync(() => progress.State.Waiting.Count == EventLane.Count);
        Assert.All(progress.State.Waiting.Values, why => Assert.Equal("not authorized", why));
        var (sentAtFirst, readAtFirst) = (_world.Broker.Sent.Count, read);

        for (var second = 0; second < 60; second++)
            await PassAsync(TimeSpan.FromSeconds(1));

        Assert.True(_world.Broker.Sent.Count - sentAtFirst <= EventLane.Count * 16, $"{_world.Broker.Sent.Count - sentAtFirst} were sent");
        Assert.True(read - readAtFirst <= 16 * 4, $"the table was read {read - readAtFirst} times");
        Assert.Equal(EventLane.Count, progress.State.Waiting.Count);

        _world.Broker.RefusesAll = false;
        await PassUntilAsync(() => _world.Store.Outbox.Count == 0, atMost: TimeSpan.FromSeconds(30));
        Assert.Empty(progress.State.Waiting);
        Assert.Equal(0, progress.State.BlockedCount);
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);
    }

    [Fact]
    public async Task Many_refused_payouts_of_a_lane_do_not_keep_back_one_that_can_be_sent()
    {
        var ofOneLane = Enumerable.Range(0, 1000).Select(i => $"p{i}").Where(id => LaneOf(id) == 3).Take(21).ToList();
        foreach (var id in ofOneLane)
        {
            _world.Store.PutEvent(new PayoutCreated(Payouts.Unpaid(id), _world.Clock.GetUtcNow()));
            _world.Broker.Refusals[(id, 0)] = int.MaxValue;
        }

        _world.Broker.Refusals.Remove((ofOneLane[^1], 0));

        await RelayUntilAsync(() => _world.Store.Outbox.Count == 20);

        Assert.Equal([(ofOneLane[^1], 0)], _world.Broker.Topic);
    }

    [Fact]
    public async Task An_event_that_becomes_visible_late_is_sent()
    {
        await _world.CreateAsync("p1");
        using var stop = new CancellationTokenSource();
        var (_, running) = Start(stop.Token);
        await PassUntilAsync(() => _world.Store.Outbox.Count == 0);

        foreach (var (delay, found) in ((double, double)[])[(0.9, 5), (14, 10), (1000, 60)])
        {
            await _world.Store.SendAgainAsync(new PayoutId("p1"), 0, None);
            _world.Store.SetBack(TimeSpan.FromSeconds(delay));
            await PassUntilAsync(() => _world.Store.Outbox.Count == 0, TimeSpan.FromSeconds(found));
        }

        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);
    }

    [Fact]
    public async Task A_payout_s_next_event_is_sent_however_long_ago_it_was_stored()
    {
        _world.Broker.Silence = new TaskCompletionSource();
        await HistoryAsync("p1");
        using var stop = new CancellationTokenSource();
        var (_, running) = Start(stop.Token);
        await PassUntilAsync(() => _world.Broker.Sent.Count == 1);
        for (var second = 0; second < 20; second++)
            await PassAsync(TimeSpan.FromSeconds(1));

        _world.Broker.Silence.SetResult();
        await PassUntilAsync(() => _world.Store.Outbox.Count == 0, atMost: TimeSpan.FromSeconds(10));

        Assert.Equal([0, 1, 2], SequenceOf("p1"));
        await stop.CancelAsync();
        await _world.PassTimeUntilAsync(running);
    }

    [Fact]
    public async Task A_commit_on_this_host_wakes_the_relay_without_a_poll()
    {
        var signal = _world.Services.GetRequiredService<RelaySignal>();
        var wait = signal.WaitAsync(TimeSpan.FromHours(1), CancellationToken.None);
        Assert.False(wait.IsCompleted);

        await _world.CreateAsync();

        await wait.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_signal_that_came_before_the_wait_is_not_missed()
    {
        var signal = new RelaySignal(_world.Clock);
        signal.Set();

        await signal.WaitAsync(TimeSpan.FromHours(1), CancellationToken.None);
        Assert.False(signal.WaitAsync(TimeSpan.FromHours(1), CancellationToken.None).IsCompleted);
    }

    private async Task HistoryAsync(string id)
    {
        await _world.CreateAsync(id);
        await _world.ConfirmAsync(id);
        await _world.CancelAsync(id);
    }

    /// <summary>One more host on the same world.</summary>
    private (RelayProgress Progress, Task Running) Start(CancellationToken stop, IEventPublisher? publisher = null)
    {
        var progress = new RelayProgress(_world.Clock);
        var relay = new EventRelay(
            _world.Store,
            publisher ?? _world.Broker,
            new RelaySignal(_world.Clock),
            progress,
            _world.Clock,
            new RelayOptions(),
            new BackgroundLoops(_world.Clock, NullLogger<BackgroundLoops>.Instance),
            NullLogger<EventRelay>.Instance);
        return (progress, relay.RunAsync(stop));
    }

    private async Task PassAsync(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += TimeSpan.FromMilliseconds(50))
        {
            await World.SettleAsync();
            _world.Clock.Advance(TimeSpan.FromMilliseconds(50));
        }
    }

    private async Task PassUntilAsync(Func<bool> isSo, TimeSpan? atMost = null)
    {
        var end = _world.Clock.GetUtcNow() + (atMost ?? TimeSpan.FromMinutes(2));
        while (!isSo())
        {
            Assert.True(_world.Clock.GetUtcNow() < end, "it took too long");
            await PassAsync(TimeSpan.FromMilliseconds(50));
        }
    }

    private static List<int> Lanes(IEnumerable<(RelayProgress Progress, Task Running)> relays) =>
        [.. relays.SelectMany(relay => relay.Progress.State.Lanes)];

    private static int LaneOf(string id) => EventLane.Of(new PayoutId(id));

    private IEnumerable<int> SequenceOf(string id) =>
        _world.Broker.Topic.Where(e => e.PayoutId == id).Select(e => e.SequenceId);

    private async Task RelayUntilAsync(Func<bool> isSo)
    {
        await _world.RelayAsync(rounds: 2_000, isSo);
        Assert.True(isSo());
    }
}
