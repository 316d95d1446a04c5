using Npgsql;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>
/// Replaces connections to a server that takes no writes. A name or an address may point at another server after a fail-over, but an open
/// connection stays with the old one; and one that was refused something may not work any more, see
/// <see cref="DatabaseErrors.IsForbidden"/>.
/// </summary>
internal sealed class StaleConnections(NpgsqlDataSource source, TimeProvider clock)
{
    // While the server stays as it is, reads go on using their connections in between.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private long? _droppedAt;
    private bool _isDue;

    /// <summary>Lets connections that are in use be closed after it, and the others now; at most once in a second, and then later.</summary>
    public void Drop()
    {
        lock (_gate)
        {
            if (_isDue)
                return;
            if (_droppedAt is { } at && clock.GetElapsedTime(at) is var since && since < Pause)
            {
                _isDue = true;
                _ = DropAfterAsync(Pause - since);
                return;
            }

            _droppedAt = clock.GetTimestamp();
        }

        source.Clear();
    }

    private async Task DropAfterAsync(TimeSpan pause)
    {
        await Task.Delay(pause, clock);
        lock (_gate)
        {
            _isDue = false;
            _droppedAt = clock.GetTimestamp();
        }

        source.Clear();
    }
}
