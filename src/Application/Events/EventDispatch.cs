using PayoutManager.Application.Ports;
using PayoutManager.Application.Telemetry;

namespace PayoutManager.Application.Events;

/// <summary>What is on its way to the broker, and what has arrived there. One thread at a time calls it.</summary>
internal sealed class EventDispatch(RelaySignal signal, TimeProvider clock)
{
    private readonly Lock _lock = new();

    // By threads of the session.
    private List<Outcome> _outcomes = [];

    private readonly Dictionary<long, OutboxEvent> _sending = [];
    private readonly Dictionary<long, OutboxEvent> _acknowledged = [];

    /// <summary>How many events are on their way or not yet taken out of the outbox, and so may be read again.</summary>
    public int Count => _sending.Count + _acknowledged.Count;

    /// <summary>Whether an acknowledgement is still awaited.</summary>
    public bool IsSending => _sending.Count > 0;

    /// <summary>What the broker has acknowledged and is still in the outbox.</summary>
    public IReadOnlyCollection<OutboxEvent> Acknowledged => _acknowledged.Values;

    /// <summary>The lanes of which something is on its way.</summary>
    public HashSet<int> SendingLanes => [.. _sending.Values.Select(e => e.Lane)];

    /// <summary>The lanes of which something is on its way or not yet taken out of the outbox.</summary>
    public HashSet<int> Lanes => [.. SendingLanes, .. _acknowledged.Values.Select(e => e.Lane)];

    /// <summary>Whether an event is on its way or has arrived.</summary>
    public bool Has(long id) => _sending.ContainsKey(id) || _acknowledged.ContainsKey(id);

    /// <summary>Sends an event.</summary>
    public void Send(IEventSession session, OutboxEvent outboxEvent)
    {
        _sending.Add(outboxEvent.Id, outboxEvent);
        _ = FollowAsync(session, outboxEvent);
    }

    /// <summary>What has come of events since the last call. What an earlier session could not send was forgotten.</summary>
    public IReadOnlyList<Outcome> TakeOutcomes(IEventSession session)
    {
        List<Outcome> taken;
        lock (_lock)
        {
            if (_outcomes.Count == 0)
                return [];
            (taken, _outcomes) = (_outcomes, []);
        }

        taken.RemoveAll(outcome => outcome.Session != session && outcome.Failure is not null);
        foreach (var outcome in taken)
        {
            _sending.Remove(outcome.Event.Id);
            if (outcome.Failure is null)
                _acknowledged.TryAdd(outcome.Event.Id, outcome.Event);
        }

        return taken;
    }

    /// <summary>These are not in the outbox any more.</summary>
    public void Forget(IEnumerable<OutboxEvent> deleted)
    {
        foreach (var outboxEvent in deleted)
            _acknowledged.Remove(outboxEvent.Id);
    }

    /// <summary>Nothing is on its way any more.</summary>
    public void ForgetSending() => _sending.Clear();

    private async Task FollowAsync(IEventSession session, OutboxEvent outboxEvent)
    {
        var readAt = clock.GetTimestamp();
        Exception? failure = null;
        try
        {
            await session.SendAsync(outboxEvent);
            PayoutTelemetry.Published(outboxEvent.Age + clock.GetElapsedTime(readAt));
        }
        catch (Exception e)
        {
            failure = e;
        }

        lock (_lock)
            _outcomes.Add(new Outcome(session, outboxEvent, failure));
        signal.Set();
    }

    /// <summary>What has come of an event.</summary>
    /// <param name="Session">What it was sent by.</param>
    /// <param name="Event">The event.</param>
    /// <param name="Failure">Why it could not be sent; null if the broker has acknowledged it.</param>
    public sealed record Outcome(IEventSession Session, OutboxEvent Event, Exception? Failure);
}
