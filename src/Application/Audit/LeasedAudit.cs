using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;

namespace PayoutManager.Application.Audit;

/// <summary>
/// An audit that one process at a time makes, under a lease that is renewed meanwhile, and whose place is stored. Whoever loses the
/// lease without knowing it may go on with what it does, but moves the place no more.
/// </summary>
internal sealed class LeasedAudit(IAuditProgress progress, AuditScope scope, AuditOptions options, TimeProvider clock)
{
    // Whoever waits for the end of the audit waits for this, too.
    private static readonly TimeSpan ReleaseTimeLimit = TimeSpan.FromSeconds(5);

    private readonly string _owner = Operation.NewOwner();

    /// <summary>How far it has come.</summary>
    public AuditPosition Position { get; private set; }

    /// <summary>Does the work if nobody else does.</summary>
    /// <param name="work">The work; its token ends when the audit is another's.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>Whether it was done; false, with nothing done, where another has the lease.</returns>
    /// <exception cref="AuditUnfinishedException">The database is out of reach.</exception>
    /// <exception cref="NotDoneException">The audit has become another's.</exception>
    public async Task<bool> TryRunAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        if (await AskAsync(token => progress.LeaseAsync(scope, _owner, options.LeaseDuration, token), cancellationToken) is not { } position)
            return false;
        Position = position;
        using var working = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var renewing = new CancellationTokenSource();
        var renewal = RenewAsync(working, renewing.Token);
        try
        {
            await work(working.Token);
            return true;
        }
        catch (Exception e) when (working.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw Lost(e);
        }
        finally
        {
            await renewing.CancelAsync();
            await renewal;
            await ReleaseAsync();
        }
    }

    /// <summary>Notes how far it has come.</summary>
    /// <exception cref="NotDoneException">The audit is another's.</exception>
    public async Task AdvanceAsync(AuditPosition upTo, CancellationToken cancellationToken)
    {
        if (!await AskAsync(token => progress.AdvanceAsync(scope, _owner, Position, upTo, token), cancellationToken))
            throw Lost();
        Position = upTo;
    }

    private static NotDoneException Lost(Exception? cause = null) => new("The audit is another host's.", cause);

    private static async Task<T> AskAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await ask(cancellationToken);
        }
        catch (Exception e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new AuditUnfinishedException(AuditSource.Database, e);
        }
    }

    /// <summary>Lets the lease run anew until told to stop; ends the work once it is another's. Never throws.</summary>
    private async Task RenewAsync(CancellationTokenSource working, CancellationToken cancellationToken)
    {
        var renewedAt = clock.GetTimestamp();
        while (true)
        {
            await Task.Delay(options.LeaseDuration / 3, clock, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            if (cancellationToken.IsCancellationRequested)
                return;
            var asked = clock.GetTimestamp();
            try
            {
                if (await progress.LeaseAsync(scope, _owner, options.LeaseDuration, cancellationToken) is null)
                    break;
                renewedAt = asked;
            }
            catch (Exception)
            {
                // Where the database stays away, the work fails by itself.
                if (clock.GetElapsedTime(renewedAt) >= options.LeaseDuration)
                    break;
            }
        }

        await working.CancelAsync();
    }

    private async Task ReleaseAsync()
    {
        using var closing = new CancellationTokenSource(ReleaseTimeLimit, clock);
        try
        {
            await progress.ReleaseAsync(scope, _owner, closing.Token);
        }
        catch (Exception)
        {
            // The lease expires.
        }
    }
}
