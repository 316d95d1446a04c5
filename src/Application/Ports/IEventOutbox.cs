using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Ports;

/// <summary>The events that were written with their changes, and who may send them.</summary>
/// <remarks>Every method throws <see cref="NotDoneException"/> where the database was not reached.</remarks>
public interface IEventOutbox
{
    /// <summary>
    /// Makes the owner the one that sends, or lets its lease run anew; false while somebody else's lease runs.
    /// </summary>
    Task<bool> TryLeaseAsync(string owner, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Lets the owner's lease end now.</summary>
    Task ReleaseLeaseAsync(string owner, CancellationToken cancellationToken);

    /// <summary>
    /// Of each payout the first unpublished event, in order of id. The second appears once the first is published, so
    /// that no event can overtake another of its payout, whatever the order in which their transactions committed.
    /// </summary>
    /// <param name="afterId">Only events with a greater id.</param>
    /// <param name="limit">How many at the most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IReadOnlyList<OutboxEvent>> ReadUnpublishedAsync(long afterId, int limit, CancellationToken cancellationToken);

    /// <summary>Marks events as published.</summary>
    Task MarkPublishedAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken);
}

/// <summary>An event as it is stored, ready to be sent.</summary>
/// <param name="Id">Its place among all events.</param>
/// <param name="PayoutId">The payout that changed.</param>
/// <param name="SequenceId">The event's place in the payout's history.</param>
/// <param name="Payload">The record's value, serialised when the change was applied.</param>
public sealed record OutboxEvent(long Id, PayoutId PayoutId, int SequenceId, byte[] Payload)
{
    /// <summary>How long ago it was stored when it was read, by the database's clock.</summary>
    public TimeSpan Age { get; init; }

    /// <summary>The W3C <c>traceparent</c> of the work that made the change; null where nobody traced.</summary>
    public string? TraceParent { get; init; }
}
