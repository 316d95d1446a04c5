using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using PayoutManager.Application.Background;
using PayoutManager.Application.Events;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Tests;

public class EventRelayTests
{
    private readonly World _world = new();

    [Fact]
    public async Task Every_event_is_sent_in_order_and_marked()
    {
        await HistoryAsync("p1");
        await HistoryAsync("p2");

        await RelayUntilAsync(() => _world.Store.Published.Count == 6);

        Assert.Equal([0, 1, 2], SequenceOf("p1"));
        Assert.Equal([0, 1, 2], SequenceOf("p2"));
    }

    [Fact]
    public async Task An_event_that_cannot_be_sent_is_tried_again_and_keeps_back_its_own_payout_only()
    {
        await HistoryAsync("p1");
        await HistoryAsync("p2");
        _world.Broker.Refusals[("p1", 1)] = 3;

        await RelayUntilAsync(() => _world.Store.Published.Count == 6);

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
        Assert.Empty(_world.Store.Published);
        Assert.Empty(_world.Broker.Topic);
    }

    [Fact]
    public async Task A_broken_line_is_opened_anew_from_the_table()
    {
        await HistoryAsync("p1");
        _world.Broker.BreakNext = true;

        await RelayUntilAsync(() => _world.Store.Published.Count == 3);

        Assert.Equal([0, 1, 2], SequenceOf("p1"));
        Assert.Equal(2, _world.Broker.Opened);
    }

    [Theory]
    [InlineData("ReadUnpublishedAsync")]
    [InlineData("MarkPublishedAsync")]
    [InlineData("TryLeaseAsync")]
    public async Task A_database_out_of_reach_loses_nothing(string method)
    {
        await HistoryAsync("p1");
        _world.Store.Faults.Enqueue((method, new NotDoneException("down")));

        await RelayUntilAsync(() => _world.Store.Published.Count == 3);

        // At least once: what was acknowledged but not marked is sent again, never out of order among new ones.
        Assert.Equal([0, 1, 2], SequenceOf("p1").Distinct());
    }

    [Fact]
    public async Task Only_the_holder_of_the_lease_sends_and_another_follows_when_it_ends()
    {
        await _world.CreateAsync();
        Assert.True(await _world.Store.TryLeaseAsync("another host", TimeSpan.FromSeconds(15), CancellationToken.None));

        await _world.RelayAsync(rounds: 100);
        Assert.Empty(_world.Broker.Topic);

        await RelayUntilAsync(() => _world.Store.Published.Count == 1);
        Assert.Equal([0], SequenceOf("p1"));
    }

    [Fact]
    public async Task A_relay_that_stops_hands_its_lease_over_at_once()
    {
        await RelayUntilAsync(() => _world.Broker.Opened == 1);

        Assert.True(await _world.Store.TryLeaseAsync("another host", TimeSpan.FromSeconds(15), CancellationToken.None));
    }

    [Fact]
    public async Task What_is_acknowledged_while_a_stopping_relay_marks_is_marked_too()
    {
        var sent = new Dictionary<long, TaskCompletionSource> { [1] = new(), [2] = new() };
        var marked = new List<long>();
        var session = Substitute.For<IEventSession>();
        session.SendAsync(Arg.Any<OutboxEvent>()).Returns(call => sent[call.Arg<OutboxEvent>().Id].Task);
        var publisher = Substitute.For<IEventPublisher>();
        publisher.Open().Returns(session);
        var outbox = Substitute.For<IEventOutbox>();
        outbox.TryLeaseAsync("", default, default).ReturnsForAnyArgs(true);
        outbox.ReadUnpublishedAsync(0, 0, default).ReturnsForAnyArgs(
            [new OutboxEvent(1, new PayoutId("p1"), 0, []), new OutboxEvent(2, new PayoutId("p2"), 0, [])]);
        outbox.MarkPublishedAsync(null!, default).ReturnsForAnyArgs(Task.CompletedTask).AndDoes(call =>
        {
            marked.AddRange(call.Arg<IReadOnlyCollection<long>>());
            sent[2].TrySetResult();
        });
        using var stop = new CancellationTokenSource();
        var signal = new RelaySignal(_world.Clock);
        var relay = new EventRelay(
            outbox,
            publisher,
            signal,
            new RelayProgress(_world.Clock),
            _world.Clock,
            new RelayOptions(),
            _world.Services.GetRequiredService<BackgroundLoops>(),
            NullLogger<EventRelay>.Instance).RunAsync(stop.Token);

        await stop.CancelAsync();
        sent[1].SetResult();
        await relay.WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal([1, 2], marked);
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

    private IEnumerable<int> SequenceOf(string id) =>
        _world.Broker.Topic.Where(e => e.PayoutId == id).Select(e => e.SequenceId);

    private async Task RelayUntilAsync(Func<bool> isSo)
    {
        await _world.RelayAsync(rounds: 2_000, isSo);
        Assert.True(isSo());
    }
}
