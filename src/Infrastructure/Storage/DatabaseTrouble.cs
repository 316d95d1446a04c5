namespace PayoutManager.Infrastructure.Storage;

/// <summary>
/// What the database has refused lately because it cannot work, such as for want of disk. Where it can be reached and read all the same,
/// nothing else shows it.
/// </summary>
public sealed class DatabaseTrouble(TimeProvider clock)
{
    // Longer than the pause between two writes of a host that is called, or of its background work.
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(3);

    private Refusal? _latest;

    /// <summary>The latest of what was refused within the last seconds, in words; null if nothing was.</summary>
    public string? Latest => Volatile.Read(ref _latest) is { } latest && clock.GetElapsedTime(latest.At) < Remembered ? latest.InWords : null;

    internal void Saw(Exception e)
    {
        if (DatabaseErrors.IsIncapacity(e))
            Volatile.Write(ref _latest, new Refusal(clock.GetTimestamp(), DatabaseErrors.InWords(e)));
    }

    private sealed record Refusal(long At, string InWords);
}
