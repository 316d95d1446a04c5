using PayoutManager.Application.Ports;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>
/// The backlog in the database. Each look begins where the one before has found the first that there was, so that it does not pass the
/// dead index entries of all that is done, which stay where they are while an old snapshot needs them. One look at a time.
/// </summary>
internal sealed class BacklogStore(IRoutineStatements routine, TimeProvider clock) : IBacklog
{
    // What is written may become visible this much later than what was written after it.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(15);

    // What became visible later still.
    private static readonly TimeSpan FullInterval = TimeSpan.FromMinutes(5);

    private static readonly BacklogBounds Everything = new(DateTimeOffset.MinValue, DateTimeOffset.MinValue);

    private BacklogBounds _from = Everything;
    private long _fullAt;

    public async Task<Backlog> ReadAsync(CancellationToken cancellationToken)
    {
        var isFull = clock.GetElapsedTime(_fullAt) >= FullInterval;
        var began = clock.GetTimestamp();
        var reading = await Database.ReadAsync(
            token => routine.ReadBacklogAsync(isFull ? Everything : _from, token), cancellationToken);
        if (isFull)
            _fullAt = began;
        _from = new BacklogBounds(Earlier(reading.EarliestDue), Earlier(reading.OldestEvent));
        return reading.Backlog;

        // Operations become due, and events are stored, at no instant of the past.
        DateTimeOffset Earlier(DateTimeOffset? first) => (first < reading.Now ? first.Value : reading.Now) - Margin;
    }
}
