using PayoutManager.Application.Ports;

namespace PayoutManager.Application.Events;

/// <summary>
/// The lanes whose events this host may send. It leases its share of them, and gives up those that are another host's share. One thread
/// at a time calls it.
/// </summary>
internal sealed class HeldLanes(string owner, IEventOutbox outbox, TimeProvider clock, RelayOptions options)
{
    private readonly Dictionary<int, long> _leaving = [];
    private HashSet<int> _held = [];
    private long? _leasedAt;
    private long? _lookedAt;
    private DateTimeOffset _databaseTime;
    private long _databaseTimeAt;

    /// <summary>All lanes that are this host's.</summary>
    public IReadOnlyCollection<int> Held => _held;

    /// <summary>Those of them whose events are sent: they are not being given up.</summary>
    public IReadOnlyCollection<int> Sending { get; private set; } = [];

    /// <summary>Those that are being given up.</summary>
    public IReadOnlyCollection<int> Leaving => _leaving.Keys;

    /// <summary>The instant that it is by the database's clock, as far as is known.</summary>
    public DateTimeOffset DatabaseTime => _databaseTime + clock.GetElapsedTime(_databaseTimeAt);

    /// <summary>How long this host may go on sending without a sign of life.</summary>
    public TimeSpan TimeLeft => _leasedAt is { } at ? options.LeaseDuration - clock.GetElapsedTime(at) : options.LeaseDuration;

    /// <summary>Lets the leases run anew, takes lanes, and decides on those to give up, if it is time for that.</summary>
    /// <returns>The lanes that are new to this host, and those that it has lost.</returns>
    public async Task<LaneChange> KeepAsync(CancellationToken cancellationToken)
    {
        if (_lookedAt is { } at && clock.GetElapsedTime(at) < LookInterval)
            return LaneChange.None;
        var lookedAt = clock.GetTimestamp();
        var book = await outbox.ReadLanesAsync(cancellationToken);
        (_databaseTime, _databaseTimeAt) = (book.Now, lookedAt);
        var wanted = LaneShare.ToTake(owner, _held, book);
        var change = LaneChange.None;
        if (wanted.Count > 0 || !book.Hosts.Contains(owner) || _leasedAt is not { } leased
            || clock.GetElapsedTime(leased) >= options.LeaseDuration / 3)
        {
            change = await LeaseAsync([.. _held, .. wanted], cancellationToken);
        }

        LeaveExcess(book);
        _lookedAt = lookedAt;
        return change;
    }

    /// <summary>Those that have to be given up without waiting for acknowledgements any longer.</summary>
    public IEnumerable<int> Overdue() =>
        _leaving.Where(lane => clock.GetElapsedTime(lane.Value) > options.ClosingTime).Select(lane => lane.Key);

    /// <summary>Gives up lanes of which nothing is on its way.</summary>
    public async Task ReleaseAsync(IReadOnlyCollection<int> lanes, CancellationToken cancellationToken)
    {
        await outbox.ReleaseLanesAsync(owner, lanes, cancellationToken);
        Drop(lanes);
    }

    /// <summary>The leases have run out: nothing is this host's any more, whatever the table says.</summary>
    public void Drop()
    {
        Drop(_held);
        (_leasedAt, _lookedAt) = (null, null);
    }

    /// <summary>Leaves everything to the others.</summary>
    public Task LeaveAsync(CancellationToken cancellationToken) => outbox.LeaveAsync(owner, cancellationToken);

    // With a short lease it is looked as often as the lease has to be renewed.
    private TimeSpan LookInterval =>
        options.LookInterval < options.LeaseDuration / 3 ? options.LookInterval : options.LeaseDuration / 3;

    private async Task<LaneChange> LeaseAsync(IReadOnlyCollection<int> lanes, CancellationToken cancellationToken)
    {
        var asked = clock.GetTimestamp();
        var leased = await outbox.LeaseLanesAsync(owner, lanes, options.LeaseDuration, cancellationToken);
        _leasedAt = asked;
        var change = new LaneChange([.. leased.Except(_held)], [.. _held.Except(leased)]);
        Drop(change.Lost);
        _held = [.. leased];
        Settle();
        return change;
    }

    private void LeaveExcess(LaneBook book)
    {
        var excess = LaneShare.Excess(owner, _held, book);
        while (_leaving.Count > excess)
            _leaving.Remove(_leaving.Keys.Min());
        foreach (var lane in _held.Except(_leaving.Keys).OrderDescending().Take(excess - _leaving.Count).ToList())
            _leaving.Add(lane, clock.GetTimestamp());
        Settle();
    }

    private void Drop(IEnumerable<int> lanes)
    {
        foreach (var lane in lanes.ToList())
        {
            _held.Remove(lane);
            _leaving.Remove(lane);
        }

        Settle();
    }

    private void Settle() => Sending = [.. _held.Except(_leaving.Keys).Order()];
}

/// <summary>What has changed of a host's lanes.</summary>
/// <param name="Taken">Lanes that are new to it.</param>
/// <param name="Lost">Lanes that are not its any more.</param>
internal sealed record LaneChange(IReadOnlyList<int> Taken, IReadOnlyList<int> Lost)
{
    public static LaneChange None { get; } = new([], []);
}
