using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Ports;

/// <summary>The events that the broker has not acknowledged, and who may send those of which lane.</summary>
/// <remarks>Every method throws <see cref="NotDoneException"/> where the database was not reached.</remarks>
public interface IEventOutbox
{
    /// <summary>Who has which lane, and which hosts are there.</summary>
    Task<LaneBook> ReadLanesAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Says that the owner is there, lets its leases run anew, and gives it those of the lanes that are free. A lane is free that nobody
    /// leases, or whose lease has run out.
    /// </summary>
    /// <param name="owner">The host.</param>
    /// <param name="lanes">The lanes that it has and wants to keep, and those that it wants to have.</param>
    /// <param name="lease">How long it may send their events, and counts as there.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Those of the lanes that are now the owner's.</returns>
    Task<IReadOnlyList<int>> LeaseLanesAsync(
        string owner, IReadOnlyCollection<int> lanes, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Lets leases of the owner end now.</summary>
    Task ReleaseLanesAsync(string owner, IReadOnlyCollection<int> lanes, CancellationToken cancellationToken);

    /// <summary>Lets all leases of the owner end now; it is not there any more.</summary>
    Task LeaveAsync(string owner, CancellationToken cancellationToken);

    /// <summary>
    /// Of each payout the first event that is not acknowledged. The second appears once the first is acknowledged, so that no event can
    /// overtake another of its payout, whatever the order in which their transactions committed.
    /// </summary>
    Task<OutboxPage> ReadAsync(OutboxQuery query, CancellationToken cancellationToken);

    /// <summary>Takes events out of the outbox, since the broker has acknowledged them.</summary>
    Task AcknowledgeAsync(IReadOnlyCollection<OutboxEvent> events, CancellationToken cancellationToken);
}

/// <summary>Who has which lane.</summary>
/// <param name="Now">The instant that it is by the database's clock.</param>
/// <param name="Hosts">The owners that are there, in an order that is the same for all of them.</param>
/// <param name="Lanes">All lanes.</param>
public sealed record LaneBook(DateTimeOffset Now, IReadOnlyList<string> Hosts, IReadOnlyList<LaneLease> Lanes);

/// <summary>A lane and its sender.</summary>
/// <param name="Lane">Which lane.</param>
/// <param name="Owner">Whose it is; null if nobody's. A lease that has run out is its former owner's until another takes it.</param>
/// <param name="IsFree">Whether anybody may take it.</param>
public sealed record LaneLease(int Lane, string? Owner, bool IsFree);

/// <summary>Which events to read.</summary>
/// <param name="Lanes">Of which lanes.</param>
/// <param name="After">Only those of the lanes that come after this place, in order.</param>
/// <param name="Limit">How many of the lanes at the most.</param>
/// <param name="Payouts">Also the events of these payouts, wherever they are.</param>
public sealed record OutboxQuery(
    IReadOnlyCollection<int> Lanes, OutboxPosition After, int Limit, IReadOnlyCollection<PayoutId> Payouts);

/// <summary>A place in the outbox: events are in order of when they were stored.</summary>
/// <param name="StoredAt">By the database's clock.</param>
/// <param name="Id">Decides between events of the same instant.</param>
public readonly record struct OutboxPosition(DateTimeOffset StoredAt, long Id)
{
    /// <summary>Before all events.</summary>
    public static OutboxPosition Beginning => new(DateTimeOffset.MinValue, 0);
}

/// <summary>What was read.</summary>
/// <param name="OfLanes">The events of the lanes, in order.</param>
/// <param name="OfPayouts">The events of the payouts.</param>
public sealed record OutboxPage(IReadOnlyList<OutboxEvent> OfLanes, IReadOnlyList<OutboxEvent> OfPayouts);

/// <summary>An event as it is stored, ready to be sent.</summary>
/// <param name="Id">Tells it from all others.</param>
/// <param name="PayoutId">The payout that changed.</param>
/// <param name="SequenceId">The event's place in the payout's history.</param>
/// <param name="Payload">The record's value, serialised when the change was applied.</param>
public sealed record OutboxEvent(long Id, PayoutId PayoutId, int SequenceId, byte[] Payload)
{
    /// <summary>The payout's lane.</summary>
    public int Lane { get; init; }

    /// <summary>When it was stored, by the database's clock.</summary>
    public DateTimeOffset StoredAt { get; init; }

    /// <summary>How long ago it was stored when it was read, by the database's clock.</summary>
    public TimeSpan Age { get; init; }

    /// <summary>The W3C <c>traceparent</c> of the work that made the change; null where nobody traced.</summary>
    public string? TraceParent { get; init; }
}
