using PayoutManager.Application.Ports;

namespace PayoutManager.Application.Events;

/// <summary>
/// Where in the outbox to read on. What was read once is not read again, nor are the dead index entries of what was acknowledged, which
/// stay where they are while an old snapshot needs them.
/// </summary>
/// <remarks>
/// Events do not become visible in the order in which they were stored, so each read that reaches the newest events begins a little
/// before the moment of the one before it: by <see cref="UsualDelay"/>, which covers nearly all commits, and once per
/// <see cref="LateInterval"/> by <see cref="LongDelay"/>. What becomes visible later still is found by reading from the beginning,
/// which happens from time to time, and never takes more than a hundredth of the time.
/// </remarks>
internal sealed class OutboxCursor(TimeProvider clock)
{
    private const int SweepShare = 100;

    private static readonly TimeSpan UsualDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongDelay = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LateInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(30);

    private TimeSpan? _sweepTook = TimeSpan.Zero;
    private long _nextSweepAt;
    private DateTimeOffset? _resumeAt;
    private long _lateReadAt;
    private DateTimeOffset? _lateFrom;

    /// <summary>The place after which to read.</summary>
    public OutboxPosition Next { get; private set; } = OutboxPosition.Beginning;

    /// <summary>Whether everything there was has been read.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>Reads from the beginning: there may be events that were passed by.</summary>
    public void Restart()
    {
        (Next, IsAtEnd, _resumeAt) = (OutboxPosition.Beginning, false, null);
        _sweepTook = TimeSpan.Zero;
    }

    /// <summary>A page was read after <see cref="Next"/>.</summary>
    /// <param name="page">The page.</param>
    /// <param name="limit">How many events it could have had.</param>
    /// <param name="now">When it was read, by the database's clock; a little too early does no harm.</param>
    /// <param name="took">How long it took to read it.</param>
    public void Passed(IReadOnlyList<OutboxEvent> page, int limit, DateTimeOffset now, TimeSpan took)
    {
        _sweepTook += took;
        IsAtEnd = page.Count < limit;
        if (IsAtEnd || page[^1].StoredAt > now - UsualDelay)
            _resumeAt ??= now - UsualDelay;
        if (!IsAtEnd)
        {
            Next = new OutboxPosition(page[^1].StoredAt, page[^1].Id);
            return;
        }

        Next = new OutboxPosition(_resumeAt!.Value, 0);
        _resumeAt = null;
        if (_sweepTook is { } sweepTook)
        {
            var pause = sweepTook * SweepShare;
            _nextSweepAt = After(pause > SweepInterval ? pause : SweepInterval);
            _sweepTook = null;
        }
        else if (clock.GetTimestamp() >= _nextSweepAt)
        {
            Restart();
            // There is no hurry.
            IsAtEnd = true;
        }
        else if (clock.GetElapsedTime(_lateReadAt) >= LateInterval)
        {
            if (_lateFrom < Next.StoredAt)
                Next = new OutboxPosition(_lateFrom.Value, 0);
            _lateReadAt = clock.GetTimestamp();
            _lateFrom = now - LongDelay;
        }
    }

    private long After(TimeSpan pause) => clock.GetTimestamp() + (long)(pause.TotalSeconds * clock.TimestampFrequency);
}
