namespace PayoutManager.Application.Events;

/// <summary>Wakes the relay when there is something for it to do. Set any number of times, it wakes it once.</summary>
public sealed class RelaySignal(TimeProvider clock)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _waiter;
    private bool _set;

    /// <summary>There is something to do.</summary>
    public void Set()
    {
        lock (_lock)
        {
            _set = true;
            _waiter?.TrySetResult();
        }
    }

    /// <summary>Waits until there is something to do, or the time is up.</summary>
    public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        TaskCompletionSource waiter;
        lock (_lock)
        {
            if (_set)
            {
                _set = false;
                return;
            }

            waiter = _waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        using (clock.CreateTimer(Wake, waiter, atMost, Timeout.InfiniteTimeSpan))
        using (cancellationToken.UnsafeRegister(Wake, waiter))
            await waiter.Task;

        lock (_lock)
        {
            _set = false;
            _waiter = null;
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private static void Wake(object? waiter) => ((TaskCompletionSource)waiter!).TrySetResult();
}
