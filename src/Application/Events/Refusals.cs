using System.Collections.Immutable;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Events;

/// <summary>
/// What the broker has refused, and when it is tried again: a single event after pauses that grow, by itself; where the broker takes
/// nothing at all of a lane, the lane waits as a whole and is tried with one event at a time.
/// </summary>
internal sealed class Refusals(TimeProvider clock, RelayOptions options)
{
    // Payouts of a lane that are refused one after another, without any that is taken.
    private const int MostInARow = 10;

    // What is known of payouts takes memory. Where so many are refused their lanes wait.
    private const int MostBlocked = 1000;

    private readonly Dictionary<PayoutId, Blocked> _payouts = [];
    private readonly Dictionary<int, Lane> _lanes = [];

    /// <summary>Grows with each change.</summary>
    public int Version { get; private set; }

    /// <summary>How many payouts have to wait.</summary>
    public int Count => _payouts.Count;

    /// <summary>Whether a payout's event has to wait.</summary>
    public bool IsBlocked(PayoutId payoutId) =>
        _payouts.TryGetValue(payoutId, out var blocked) && blocked.RetryAt > clock.GetTimestamp();

    /// <summary>Whether the events of a lane are sent as they come.</summary>
    public bool IsOpen(int lane) => !_lanes.TryGetValue(lane, out var state) || state.WaitsUntil is null;

    /// <summary>Whether a waiting lane is to be tried with an event.</summary>
    public bool IsProbeDue(int lane) =>
        _lanes.TryGetValue(lane, out var state) && state is { WaitsUntil: { } until, Probe: null } && until <= clock.GetTimestamp();

    /// <summary>Payouts of open lanes whose pause is over.</summary>
    public IEnumerable<PayoutId> Due(IReadOnlyCollection<int> lanes)
    {
        if (_payouts.Count == 0)
            return [];
        var now = clock.GetTimestamp();
        return _payouts.Where(p => p.Value.RetryAt <= now && lanes.Contains(p.Value.Lane)).Select(p => p.Key);
    }

    /// <summary>An event is on its way.</summary>
    public void Sent(OutboxEvent outboxEvent)
    {
        if (_payouts.TryGetValue(outboxEvent.PayoutId, out var blocked))
            _payouts[outboxEvent.PayoutId] = blocked with { RetryAt = long.MaxValue };
        if (_lanes.TryGetValue(outboxEvent.Lane, out var lane) && lane.WaitsUntil is not null)
            lane.Probe = outboxEvent.Id;
    }

    /// <summary>The broker has taken an event.</summary>
    /// <returns>Whether the lane had waited, so that its events were passed by.</returns>
    public bool Acknowledged(OutboxEvent outboxEvent)
    {
        if (_payouts.Remove(outboxEvent.PayoutId))
            Version++;
        if (!_lanes.Remove(outboxEvent.Lane, out var lane) || lane.WaitsUntil is null)
            return false;
        Open(outboxEvent.Lane);
        return true;
    }

    /// <summary>The broker has refused an event.</summary>
    public void Refused(OutboxEvent outboxEvent, string reason)
    {
        Version++;
        var tries = _payouts.TryGetValue(outboxEvent.PayoutId, out var before) ? before.Tries + 1 : 1;
        if (before is not null || _payouts.Count < MostBlocked)
        {
            _payouts[outboxEvent.PayoutId] = new Blocked(
                outboxEvent.Lane, tries, After(Doubled(options.FirstPause, tries - 1, options.LongestPause)), reason);
        }

        if (!_lanes.TryGetValue(outboxEvent.Lane, out var lane))
            _lanes.Add(outboxEvent.Lane, lane = new Lane());
        lane.Reason = reason;
        lane.InARow.Add(outboxEvent.PayoutId);
        if (lane.WaitsUntil is null ? lane.InARow.Count >= MostInARow || _payouts.Count == MostBlocked : lane.Probe == outboxEvent.Id)
        {
            // On a whole second, so that lanes that wait for the same broker are tried together.
            var until = After(Doubled(options.FirstPause, lane.Waits, options.LongestLanePause));
            lane.WaitsUntil = (until + clock.TimestampFrequency - 1) / clock.TimestampFrequency * clock.TimestampFrequency;
            lane.Waits++;
            lane.Probe = null;
            lane.InARow.Clear();
        }
    }

    /// <summary>A waiting lane has nothing that could be refused.</summary>
    public void Open(int lane)
    {
        Version++;
        _lanes.Remove(lane);
        // What was refused with all the rest is not to blame.
        foreach (var payoutId in _payouts.Where(p => p.Value.Lane == lane).Select(p => p.Key).ToList())
            _payouts.Remove(payoutId);
    }

    /// <summary>A payout's event is not in the outbox any more.</summary>
    public void Gone(PayoutId payoutId)
    {
        Version++;
        _payouts.Remove(payoutId);
    }

    /// <summary>Nothing is on its way any more.</summary>
    public void Reset()
    {
        foreach (var (payoutId, blocked) in _payouts.Where(p => p.Value.RetryAt == long.MaxValue).ToList())
            _payouts[payoutId] = blocked with { RetryAt = clock.GetTimestamp() };
        foreach (var lane in _lanes.Values)
            lane.Probe = null;
    }

    /// <summary>The lanes that wait, and why.</summary>
    public ImmutableDictionary<int, string> Waiting() => _lanes
        .Where(lane => lane.Value.WaitsUntil is not null)
        .ToImmutableDictionary(lane => lane.Key, lane => lane.Value.Reason);

    /// <summary>Some of the payouts that have to wait, and why.</summary>
    public ImmutableDictionary<string, string> Some(int most) => _payouts
        .Take(most)
        .ToImmutableDictionary(payout => payout.Key.Value, payout => payout.Value.Reason);

    private long After(TimeSpan pause) => clock.GetTimestamp() + (long)(pause.TotalSeconds * clock.TimestampFrequency);

    private static TimeSpan Doubled(TimeSpan first, int times, TimeSpan longest)
    {
        // Bounded, since what doubles for ever overflows.
        var pause = first * Math.Pow(2, Math.Min(times, 20));
        return pause < longest ? pause : longest;
    }

    /// <summary>A payout whose event was refused.</summary>
    private sealed record Blocked(int Lane, int Tries, long RetryAt, string Reason);

    /// <summary>A lane of which nothing was taken since the first of its refusals in a row.</summary>
    private sealed class Lane
    {
        public HashSet<PayoutId> InARow { get; } = [];

        public string Reason { get; set; } = "";

        /// <summary>How often it has waited.</summary>
        public int Waits { get; set; }

        /// <summary>Until when it waits; null if it does not.</summary>
        public long? WaitsUntil { get; set; }

        /// <summary>The event that it is tried with.</summary>
        public long? Probe { get; set; }
    }
}
