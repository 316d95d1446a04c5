namespace PayoutManager.Application.Telemetry;

/// <summary>Lets what happens again and again be logged in one line per interval: the first at once, then how many there were.</summary>
/// <param name="clock">Measures the intervals.</param>
public sealed class LogInterval(TimeProvider clock)
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private long? _loggedAt;
    private int _count;

    /// <summary>Counts one more.</summary>
    /// <returns>How many there were since the last line, if a line is due now; otherwise null.</returns>
    public int? Count()
    {
        lock (_lock)
        {
            _count++;
            if (_loggedAt is { } at && clock.GetElapsedTime(at) < Length)
                return null;
            _loggedAt = clock.GetTimestamp();
            (var count, _count) = (_count, 0);
            return count;
        }
    }
}
