using Microsoft.Extensions.Logging;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Application.Telemetry;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Events;

/// <summary>What is on its way to the broker on one line, what has arrived there, and what has to wait.</summary>
internal sealed class EventDispatch(
    IEventSession session,
    RelaySignal signal,
    RelayProgress progress,
    TimeProvider clock,
    RelayOptions options,
    ILogger logger)
{
    private readonly Lock _lock = new();

    // From sending until marked in the table: as long as an event can still be read as unpublished.
    private readonly HashSet<long> _underway = [];
    private readonly List<long> _acknowledged = [];
    private readonly Dictionary<PayoutId, long> _blocked = [];
    private int _sending;

    /// <summary>The id after which to read on; back at 0 when the end was reached.</summary>
    public long Cursor { get; private set; }

    /// <summary>Whether everything there was has been read.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>Whether as much is on its way as may be.</summary>
    public bool IsFull
    {
        get
        {
            lock (_lock)
                return _underway.Count >= options.MaxInFlight;
        }
    }

    /// <summary>Whether an acknowledgement is still awaited.</summary>
    public bool IsSending
    {
        get
        {
            lock (_lock)
                return _sending > 0 && !session.IsBroken;
        }
    }

    /// <summary>What the broker has acknowledged and the table does not know yet.</summary>
    public IReadOnlyList<long> Acknowledged
    {
        get
        {
            lock (_lock)
                return [.. _acknowledged];
        }
    }

    /// <summary>Sends what of a page is neither on its way nor kept back.</summary>
    public void Send(IReadOnlyList<OutboxEvent> page)
    {
        foreach (var outboxEvent in page)
        {
            lock (_lock)
            {
                if (IsKeptBack(outboxEvent.PayoutId) || !_underway.Add(outboxEvent.Id))
                    continue;
                _sending++;
            }

            _ = FollowAsync(outboxEvent);
        }

        IsAtEnd = page.Count < options.BatchSize;
        Cursor = IsAtEnd ? 0 : page[^1].Id;
    }

    /// <summary>The table knows now that these are published.</summary>
    public void Forget(IReadOnlyList<long> marked)
    {
        lock (_lock)
        {
            _acknowledged.RemoveRange(0, marked.Count);
            _underway.ExceptWith(marked);
        }
    }

    private async Task FollowAsync(OutboxEvent outboxEvent)
    {
        var readAt = clock.GetTimestamp();
        try
        {
            await session.SendAsync(outboxEvent);
            PayoutTelemetry.Published(outboxEvent.Age + clock.GetElapsedTime(readAt));
            progress.Acknowledged(outboxEvent.PayoutId.Value);
            lock (_lock)
            {
                _sending--;
                _acknowledged.Add(outboxEvent.Id);
            }
        }
        catch (Exception e)
        {
            lock (_lock)
            {
                _sending--;
                _underway.Remove(outboxEvent.Id);
                _blocked[outboxEvent.PayoutId] = clock.GetTimestamp();
            }

            PayoutTelemetry.NotSent();
            progress.Refused(outboxEvent.PayoutId.Value, e.Message);
            RelayLog.CannotSend(logger, outboxEvent.PayoutId.Value, outboxEvent.SequenceId, Explanation.Of(e));
        }

        signal.Set();
    }

    private bool IsKeptBack(PayoutId payoutId)
    {
        if (!_blocked.TryGetValue(payoutId, out var since))
            return false;
        if (clock.GetElapsedTime(since) < options.RetryPause)
            return true;
        _blocked.Remove(payoutId);
        return false;
    }
}
