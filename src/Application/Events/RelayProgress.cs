namespace PayoutManager.Application.Events;

/// <summary>How this host's relay is getting on, for health and metrics.</summary>
/// <param name="clock">Measures how long it has been stuck.</param>
public sealed class RelayProgress(TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _blocked = [];
    private long _movedAt = clock.GetTimestamp();
    private bool _isSender;

    /// <summary>Whether this host is the one that sends.</summary>
    public bool IsSender
    {
        get
        {
            lock (_lock)
                return _isSender;
        }
    }

    /// <summary>
    /// How long ago the relay last got on: looked for work, or had something acknowledged. It grows while its database is
    /// out of reach or what it has sent is not answered.
    /// </summary>
    public TimeSpan StuckFor
    {
        get
        {
            lock (_lock)
                return clock.GetElapsedTime(_movedAt);
        }
    }

    /// <summary>Payouts whose next event the broker does not take, and why.</summary>
    public IReadOnlyDictionary<string, string> Blocked
    {
        get
        {
            lock (_lock)
                return new Dictionary<string, string>(_blocked);
        }
    }

    internal void BecameSender(bool isSender)
    {
        lock (_lock)
        {
            _isSender = isSender;
            if (!isSender)
                _blocked.Clear();
        }
    }

    internal void Moved()
    {
        lock (_lock)
            _movedAt = clock.GetTimestamp();
    }

    internal void Refused(string payoutId, string reason)
    {
        lock (_lock)
            _blocked[payoutId] = reason;
    }

    internal void Acknowledged(string payoutId)
    {
        lock (_lock)
        {
            _blocked.Remove(payoutId);
            _movedAt = clock.GetTimestamp();
        }
    }
}
