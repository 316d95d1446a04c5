using Microsoft.Extensions.Logging;
using PayoutManager.Application.Outcomes;
using PayoutManager.Woody;
using Polly;
using Polly.Retry;
using Thrift.Protocol;

namespace PayoutManager.Infrastructure.Woody;

/// <summary>
/// Calls a dependency until it answers or the caller's time is up. Only for calls that may be repeated: those that read,
/// and those that are idempotent.
/// </summary>
/// <param name="name">The dependency's name, for messages.</param>
/// <param name="client">Makes one call.</param>
/// <param name="clock">Measures the pauses.</param>
/// <param name="logger">Is told of each failed try.</param>
internal sealed class DependencyClient(string name, WoodyClient client, TimeProvider clock, ILogger logger)
{
    // A try that is still under way when the time is up turns a certain "not done" into an "unknown".
    private static readonly TimeSpan ShortestTry = TimeSpan.FromMilliseconds(100);

    private readonly ResiliencePipeline _retry = new ResiliencePipelineBuilder { TimeProvider = clock }
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<WoodyCallException>(e => e.Outcome != WoodyOutcome.Unexpected),
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(50),
            MaxDelay = TimeSpan.FromSeconds(1),
            UseJitter = true,
        })
        .Build();

    /// <exception cref="NotDoneException">The time is up, and no try was done.</exception>
    /// <exception cref="OutcomeUnknownException">The time is up, and a try may have been done.</exception>
    /// <exception cref="DependencyFailedException">The dependency answered with an undeclared error.</exception>
    public async Task<TResult> CallAsync<TResult>(string method, TBase args, CancellationToken cancellationToken)
        where TResult : TBase, new()
    {
        var call = new Call();
        try
        {
            return await TryUntilAnsweredAsync<TResult>(method, args, call, cancellationToken);
        }
        catch (WoodyCallException e)
        {
            throw new DependencyFailedException($"{name}: {e.Message}", e.ErrorClass, e);
        }
        catch (OperationCanceledException e)
        {
            Exception cause = call.LastFailure is null ? e : call.LastFailure;
            throw call.MayBeDone
                ? new OutcomeUnknownException($"{name} gave no answer to {method} in time.", cause)
                : new NotDoneException($"{name} could not be reached for {method} in time.", cause);
        }
    }

    /// <summary>The first try nearly always is the only one, and costs a third less outside of the pipeline.</summary>
    private async Task<TResult> TryUntilAnsweredAsync<TResult>(
        string method,
        TBase args,
        Call call,
        CancellationToken cancellationToken)
        where TResult : TBase, new()
    {
        WoodyCallException? failed;
        try
        {
            return await TryAsync<TResult>(method, args, call, cancellationToken);
        }
        catch (WoodyCallException e)
        {
            failed = e;
        }

        return await _retry.ExecuteAsync(
            token => Interlocked.Exchange(ref failed, null) is { } first
                ? ValueTask.FromException<TResult>(first)
                : TryAsync<TResult>(method, args, call, token),
            cancellationToken);
    }

    private async ValueTask<TResult> TryAsync<TResult>(
        string method,
        TBase args,
        Call call,
        CancellationToken cancellationToken)
        where TResult : TBase, new()
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (call.LastFailure is not null && WoodyContext.Current?.WorkUntil - clock.GetUtcNow() < ShortestTry)
            throw new OperationCanceledException("There is no time for another try.");
        try
        {
            return await client.CallAsync<TResult>(method, args, cancellationToken);
        }
        catch (WoodyCallException e)
        {
            call.LastFailure = e;
            call.MayBeDone |= e.Outcome != WoodyOutcome.NotDone;
            DependencyLog.CallFailed(logger, name, method, e.Outcome, e.Message);
            throw;
        }
        catch (OperationCanceledException)
        {
            // Given up while under way.
            call.MayBeDone = true;
            throw;
        }
    }

    /// <summary>What is known of the tries of one call so far.</summary>
    private sealed class Call
    {
        public bool MayBeDone { get; set; }

        public WoodyCallException? LastFailure { get; set; }
    }
}

internal static partial class DependencyLog
{
    [LoggerMessage(60, LogLevel.Warning, "{Dependency} failed {Method} ({Outcome}): {Reason}")]
    public static partial void CallFailed(ILogger logger, string dependency, string method, WoodyOutcome outcome, string reason);
}
