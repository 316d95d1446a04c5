using Microsoft.Extensions.Logging;
using PayoutManager.Application.Background;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Telemetry;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Events;

/// <summary>
/// Sends every stored event to the topic, at least once and in order for each payout. Each host does it for its share of the lanes, by
/// leases. An event leaves the outbox only when the broker has acknowledged it, and one that cannot be sent is tried for ever: it keeps
/// back the later events of its payout and nothing else.
/// </summary>
public sealed class EventRelay
{
    private readonly IEventOutbox _outbox;
    private readonly IEventPublisher _publisher;
    private readonly RelaySignal _signal;
    private readonly RelayProgress _progress;
    private readonly TimeProvider _clock;
    private readonly RelayOptions _options;
    private readonly BackgroundLoops _loops;
    private readonly ILogger<EventRelay> _logger;

    private readonly HeldLanes _lanes;
    private readonly EventDispatch _dispatch;
    private readonly Refusals _refusals;
    private readonly OutboxCursor _cursor;
    private readonly LogInterval _refusalLines;

    // Payouts of which an event was just taken out of the outbox: their next one can be read now.
    private readonly HashSet<PayoutId> _next = [];

    private IEventSession? _session;
    private (int, IReadOnlyCollection<int>) _reported;

    /// <summary>A relay that begins with no lanes.</summary>
    public EventRelay(
        IEventOutbox outbox,
        IEventPublisher publisher,
        RelaySignal signal,
        RelayProgress progress,
        TimeProvider clock,
        RelayOptions options,
        BackgroundLoops loops,
        ILogger<EventRelay> logger)
    {
        (_outbox, _publisher, _signal, _progress, _clock, _options, _loops, _logger) =
            (outbox, publisher, signal, progress, clock, options, loops, logger);
        _lanes = new HeldLanes(Operation.NewOwner(), outbox, clock, options);
        _dispatch = new EventDispatch(signal, clock);
        _refusals = new Refusals(clock, options);
        _cursor = new OutboxCursor(clock);
        _refusalLines = new LogInterval(clock);
    }

    // Another batch might not fit.
    private bool IsFull => _dispatch.Count + _options.BatchSize > _options.MaxInFlight;

    /// <summary>Relays the events of this host's lanes until told to stop.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Whatever a round ends with, the events are in the table.
        await _loops.RunAsync("relay", RunRoundAsync, cancellationToken);
        await CloseAsync();
    }

    /// <returns>The pause until the next round: it has waited itself, if there was nothing more to do.</returns>
    private async Task<TimeSpan> RunRoundAsync(CancellationToken cancellationToken)
    {
        var began = _clock.GetTimestamp();
        var session = OpenSession();
        // What hangs for longer than the leases last must not keep the session open.
        using var lease = new CancellationTokenSource(_lanes.TimeLeft, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lease.Token);
        TakeOutcomes(session);
        // The leases first: whatever else fails, what is on its way need not be sent again.
        if (!await KeepLanesAsync(either.Token))
            return TimeSpan.Zero;
        await AcknowledgeAsync(either.Token);
        var mayBeMore = await SendAsync(session, either.Token);
        if (!_dispatch.IsSending)
            _progress.Moved();
        Report();
        if (mayBeMore)
            return TimeSpan.Zero;
        await _signal.WaitAsync(_options.PollInterval, cancellationToken);
        if (_options.Pace - _clock.GetElapsedTime(began) is { Ticks: > 0 } early)
            await Task.Delay(early, _clock, cancellationToken);
        return TimeSpan.Zero;
    }

    /// <summary>
    /// The session, which is open also while no lane is this host's: a new one needs up to a second until it can send. It is replaced
    /// where what is on its way by it must not leave any more, because the leases may be somebody else's.
    /// </summary>
    private IEventSession OpenSession()
    {
        if (_lanes.TimeLeft <= TimeSpan.Zero)
        {
            CloseSession("the database was out of reach until the leases had run out");
            Forget(_lanes.Held);
            _lanes.Drop();
        }
        else if (_session is { IsBroken: true })
        {
            CloseSession("nothing more can be sent on it");
        }

        return _session ??= _publisher.Open();
    }

    private void CloseSession(string reason)
    {
        if (_session is null)
            return;
        if (_dispatch.IsSending)
            RelayLog.SessionClosed(_logger, _dispatch.Count, reason);
        _session.Dispose();
        _session = null;
        _dispatch.ForgetSending();
        _refusals.Reset();
        _cursor.Restart();
    }

    private void TakeOutcomes(IEventSession session)
    {
        foreach (var (_, outboxEvent, failure) in _dispatch.TakeOutcomes(session))
        {
            if (failure is null)
            {
                _progress.Moved();
                if (_refusals.Acknowledged(outboxEvent))
                    _cursor.Restart();
                continue;
            }

            PayoutTelemetry.NotSent();
            _refusals.Refused(outboxEvent, failure.Message);
            if (_refusalLines.Count() is { } count)
                RelayLog.CannotSend(_logger, count, outboxEvent.SequenceId, outboxEvent.PayoutId.Value, Explanation.Of(failure));
        }
    }

    private async Task AcknowledgeAsync(CancellationToken cancellationToken)
    {
        if (_dispatch.Acknowledged is not { Count: > 0 } acknowledged)
            return;
        OutboxEvent[] events = [.. acknowledged];
        await _outbox.AcknowledgeAsync(events, cancellationToken);
        _dispatch.Forget(events);
        _next.UnionWith(events.Select(e => e.PayoutId));
    }

    /// <returns>Whether the round can go on: false where the session had to be closed.</returns>
    private async Task<bool> KeepLanesAsync(CancellationToken cancellationToken)
    {
        var change = await _lanes.KeepAsync(cancellationToken);
        if (change.Taken.Count > 0)
            _cursor.Restart();
        Forget(change.Lost);
        var sending = _dispatch.SendingLanes;
        if (change.Lost.Any(sending.Contains))
        {
            CloseSession("a lane's lease had run out and is another host's");
            return false;
        }

        if (_lanes.Overdue().Any(sending.Contains))
        {
            CloseSession("a lane has to go to another host, and the broker does not answer");
            return false;
        }

        // What is acknowledged is taken out of the outbox before its lane goes, or the next host sends it again.
        var underway = _dispatch.Lanes;
        List<int> idle = [.. _lanes.Leaving.Where(lane => !underway.Contains(lane))];
        if (idle.Count > 0)
        {
            await _lanes.ReleaseAsync(idle, cancellationToken);
            Forget(idle);
        }

        return true;
    }

    private void Forget(IEnumerable<int> lanes)
    {
        foreach (var lane in lanes)
            _refusals.Open(lane);
    }

    /// <returns>Whether there may be more to send at once.</returns>
    private async Task<bool> SendAsync(IEventSession session, CancellationToken cancellationToken)
    {
        if (IsFull)
            return false;
        if (_lanes.Sending.Where(_refusals.IsProbeDue).ToList() is { Count: > 0 } waiting)
        {
            await ProbeAsync(session, waiting, cancellationToken);
            return false;
        }

        var open = _lanes.Sending.Where(_refusals.IsOpen).ToList();
        if (open.Count == 0)
            return false;
        List<PayoutId> due = [.. _refusals.Due(open)];
        var began = _clock.GetTimestamp();
        var now = _lanes.DatabaseTime;
        var page = await _outbox.ReadAsync(
            new OutboxQuery(open, _cursor.Next, _options.BatchSize, [.. _next.Union(due)]), cancellationToken);
        _next.Clear();
        _cursor.Passed(page.OfLanes, _options.BatchSize, now, _clock.GetElapsedTime(began));
        foreach (var outboxEvent in page.OfPayouts.Where(e => open.Contains(e.Lane)).Concat(page.OfLanes))
        {
            if (!_dispatch.Has(outboxEvent.Id) && !_refusals.IsBlocked(outboxEvent.PayoutId))
                Send(session, outboxEvent);
        }

        foreach (var payoutId in due.Except(page.OfPayouts.Select(e => e.PayoutId)))
            _refusals.Gone(payoutId);
        return !_cursor.IsAtEnd && !IsFull;
    }

    /// <summary>Tries waiting lanes with an event each, if there can be one with one that was not refused by itself.</summary>
    private async Task ProbeAsync(IEventSession session, IReadOnlyCollection<int> lanes, CancellationToken cancellationToken)
    {
        var page = await _outbox.ReadAsync(
            new OutboxQuery(lanes, OutboxPosition.Beginning, _options.BatchSize, []), cancellationToken);
        var candidates = page.OfLanes.Where(e => !_dispatch.Has(e.Id)).ToLookup(e => e.Lane);
        foreach (var lane in lanes)
        {
            if ((candidates[lane].FirstOrDefault(e => !_refusals.IsBlocked(e.PayoutId)) ?? candidates[lane].FirstOrDefault()) is { } probe)
                Send(session, probe);
            else if (page.OfLanes.Count < _options.BatchSize)
                _refusals.Open(lane);
        }
    }

    private void Send(IEventSession session, OutboxEvent outboxEvent)
    {
        _refusals.Sent(outboxEvent);
        _dispatch.Send(session, outboxEvent);
    }

    private void Report()
    {
        var state = (_refusals.Version, _lanes.Held);
        if (state == _reported)
            return;
        _reported = state;
        _progress.Became(new RelayState(
            [.. _lanes.Held.Order()], _refusals.Waiting(), _refusals.Count, _refusals.Some(RelayState.MostShown)));
    }

    /// <summary>
    /// Takes out of the outbox what is still acknowledged, so that the next host need not send it again, and lets it begin at once.
    /// </summary>
    private async Task CloseAsync()
    {
        using var closing = new CancellationTokenSource(_options.ClosingTime, _clock);
        try
        {
            while (_session is { IsBroken: false } session && _lanes.TimeLeft > TimeSpan.Zero)
            {
                TakeOutcomes(session);
                var wasSending = _dispatch.IsSending;
                await AcknowledgeAsync(closing.Token);
                if (!wasSending)
                    break;
                await _signal.WaitAsync(_options.PollInterval, closing.Token);
            }
        }
        catch (Exception e)
        {
            // What was not marked is sent again by the next host.
            RelayLog.ClosedLate(_logger, Explanation.Of(e), Explanation.StackOf(e));
        }

        CloseSession("the host stops");
        _progress.Became(RelayState.Nothing);
        try
        {
            await _lanes.LeaveAsync(closing.Token);
        }
        catch (Exception e)
        {
            // The next host has to wait for the leases to run out.
            RelayLog.ClosedLate(_logger, Explanation.Of(e), Explanation.StackOf(e));
        }
    }
}
