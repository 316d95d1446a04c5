using Npgsql;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>
/// Replaces connections to a server that takes no writes. A name or an address may point at another server after a fail-over, but an open
/// connection stays with the old one.
/// </summary>
internal sealed class StaleConnections(NpgsqlDataSource source, TimeProvider clock)
{
    // While the server stays read-only, reads go on using their connections in between.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private long? _droppedAt;

    /// <summary>Lets connections that are in use be closed after it, and the others now; at most once in a second.</summary>
    public void Drop()
    {
        lock (_gate)
        {
            if (_droppedAt is { } at && clock.GetElapsedTime(at) < Pause)
                return;
            _droppedAt = clock.GetTimestamp();
        }

        source.Clear();
    }
}
