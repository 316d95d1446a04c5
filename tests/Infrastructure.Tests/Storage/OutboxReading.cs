using PayoutManager.Application.Events;
using PayoutManager.Application.Ports;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>The outbox, read as tests need it.</summary>
internal static class OutboxReading
{
    private static readonly int[] AllLanes = [.. Enumerable.Range(0, EventLane.Count)];

    /// <summary>The first event of each payout.</summary>
    public static async Task<IReadOnlyList<OutboxEvent>> ReadAllAsync(
        this IEventOutbox outbox, OutboxPosition? after = null, int limit = 1000, params int[] lanes) =>
        (await outbox.ReadAsync(
            new OutboxQuery(lanes is [] ? AllLanes : lanes, after ?? OutboxPosition.Beginning, limit, []), CancellationToken.None)).OfLanes;

    /// <summary>Acknowledges everything there is.</summary>
    public static async Task AcknowledgeAllAsync(this IEventOutbox outbox)
    {
        while (await outbox.ReadAllAsync() is { Count: > 0 } events)
            await outbox.AcknowledgeAsync(events, CancellationToken.None);
    }
}
