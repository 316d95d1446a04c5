using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Operations;

/// <summary>The patience of one call with another operation of the same payout.</summary>
internal sealed class BusyPayout(PayoutId payoutId, TimeProvider clock, OperationOptions options)
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(100);

    private readonly long _since = clock.GetTimestamp();
    private TimeSpan _pause = ShortestPause;

    /// <summary>Waits a little before another look.</summary>
    /// <exception cref="NotDoneException">The patience is exhausted.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        if (clock.GetElapsedTime(_since) >= options.BusyWait)
            throw new NotDoneException($"Another operation on payout {payoutId} is under way.");
        try
        {
            await Task.Delay(_pause, clock, cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            throw new NotDoneException($"Another operation on payout {payoutId} outlasted the deadline.", e);
        }

        _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
    }
}
