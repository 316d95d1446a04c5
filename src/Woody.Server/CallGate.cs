namespace PayoutManager.Woody.Server;

/// <summary>
/// Lets calls in: so many at once and so many bytes of bodies, until it is closed. What goes beyond is refused at once
/// instead of waited for, so that too much load costs no more than a refusal.
/// </summary>
/// <param name="maxCalls">How many calls may be served at once. Default 512.</param>
/// <param name="maxBodyBytes">
/// How many bytes the bodies of all calls may take together, beyond the first 16 KiB of each. Default 4 MiB.
/// </param>
public sealed class CallGate(int maxCalls = 512, int maxBodyBytes = 4 << 20) : IDisposable
{
    // What every call may take without asking: calls of a payout's size never compete with large ones.
    private const int Free = 16 << 10;

    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _calls;
    private long _served;
    private long _bodyBytes;
    private volatile bool _closed;

    /// <summary>How many calls were let in and have ended.</summary>
    public long Served => Interlocked.Read(ref _served);

    /// <summary>Is cancelled when calls that are still being served have to end.</summary>
    internal CancellationToken Ending => _ending.Token;

    /// <summary>Lets no more calls in.</summary>
    /// <returns>Done when the last one that is inside has ended.</returns>
    public Task CloseAsync()
    {
        _closed = true;
        if (Volatile.Read(ref _calls) == 0)
            _idle.TrySetResult();
        return _idle.Task;
    }

    /// <summary>Ends the calls that are still being served; they are answered as far as they got.</summary>
    public void EndCalls() => _ending.Cancel();

    /// <inheritdoc/>
    public void Dispose() => _ending.Dispose();

    /// <summary>Lets a call in until it leaves; a refusal if it has to stay outside.</summary>
    internal Visit Enter()
    {
        if (Interlocked.Increment(ref _calls) <= maxCalls && !_closed)
            return new Visit(this);
        Leave();
        throw new WoodyErrorException(WoodyError.Unavailable(_closed ? "this host is stopping" : "too many calls are being served"));
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _calls) == 0 && _closed)
            _idle.TrySetResult();
    }

    /// <summary>A call that was let in.</summary>
    internal sealed class Visit(CallGate gate) : IDisposable
    {
        private int _taken;

        /// <summary>Takes room for a body that has grown to a size; a refusal if there is no more.</summary>
        public void TakeRoom(int size)
        {
            var more = size - Free - _taken;
            if (more <= 0)
                return;
            _taken += more;
            if (Interlocked.Add(ref gate._bodyBytes, more) > gate.MaxBodyBytes)
                throw new WoodyErrorException(WoodyError.Unavailable("too many large requests are being served"));
        }

        public void Dispose()
        {
            Interlocked.Add(ref gate._bodyBytes, -_taken);
            Interlocked.Increment(ref gate._served);
            gate.Leave();
        }
    }

    private int MaxBodyBytes => maxBodyBytes;
}
