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
/// <param name="probe">Is told how each try ended.</param>
/// <param name="clock">Measures the pauses.</param>
/// <param name="logger">Is told of each failed try.</param>
internal sealed class DependencyClient(string name, WoodyClient client, DependencyProbe probe, TimeProvider clock, ILogger logger)
{
    // A try that is still under way when the time is up turns a certain "not done" into an "unknown".
    private static readonly TimeSpan ShortestTry = TimeSpan.FromMilliseconds(100);

    private readonly ResiliencePipeline _repeatReads = Repeat(clock, WoodyOutcome.NotDone, WoodyOutcome.Unknown);
    private readonly ResiliencePipeline _repeatChanges = Repeat(clock, WoodyOutcome.NotDone, WoodyOutcome.Unknown, WoodyOutcome.Failed);

    /// <summary>Makes a call that has no effect, so that a lost answer is as good as none.</summary>
    /// <param name="method">The method's name.</param>
    /// <param name="args">Its arguments.</param>
    /// <param name="cancellationToken">Ends when the caller's time is up.</param>
    /// <exception cref="NotDoneException">The time is up, and no try was answered.</exception>
    /// <exception cref="DependencyFailedException">The dependency answered with an undeclared error, or with nonsense.</exception>
    public async Task<TResult> ReadAsync<TResult>(string method, TBase args, CancellationToken cancellationToken)
        where TResult : class, TBase, new()
    {
        var call = new Call();
        try
        {
            return await CallAsync<TResult>(_repeatReads, method, args, _ => null, call, cancellationToken);
        }
        catch (WoodyCallException e) when (e.Outcome is WoodyOutcome.Failed or WoodyOutcome.Refused)
        {
            throw new DependencyFailedException($"{name}: {e.Message}", e.ErrorClass, e);
        }
        catch (Exception e) when (e is WoodyCallException or OperationCanceledException)
        {
            throw new NotDoneException($"{name} gave no answer to {method} in time.", call.LastFailure ?? e);
        }
    }

    /// <summary>Makes an idempotent call that may have an effect. A failure may have had it, so it is repeated like a lost answer.</summary>
    /// <param name="method">The method's name.</param>
    /// <param name="args">Its arguments.</param>
    /// <param name="findFault">Why a reply cannot be used, which counts as a failure; null if it can.</param>
    /// <param name="cancellationToken">Ends when the caller's time is up.</param>
    /// <exception cref="NotDoneException">The time is up, and no try can have had an effect.</exception>
    /// <exception cref="OutcomeUnknownException">The time is up, and a try may have had its effect.</exception>
    public async Task<ChangeAnswer<TResult>> ChangeAsync<TResult>(
        string method, TBase args, Func<TResult, string?> findFault, CancellationToken cancellationToken)
        where TResult : class, TBase, new()
    {
        var call = new Call();
        try
        {
            var result = await CallAsync(_repeatChanges, method, args, findFault, call, cancellationToken);
            return new ChangeAnswer<TResult>(result, Refusal: null, call.MayBeDone);
        }
        catch (WoodyCallException e) when (e.Outcome == WoodyOutcome.Refused)
        {
            return new ChangeAnswer<TResult>(Result: null, e, call.MayBeDone);
        }
        // A try that fails just when the time is up ends the repeats with its own exception.
        catch (Exception e) when (e is OperationCanceledException or WoodyCallException)
        {
            throw call.MayBeDone
                ? new OutcomeUnknownException($"{name} gave no usable answer to {method} in time.", call.LastFailure ?? e)
                {
                    PeerFailed = call.LastFailure is { Outcome: WoodyOutcome.Failed },
                }
                : new NotDoneException($"{name} could not be reached for {method} in time.", call.LastFailure ?? e);
        }
    }

    /// <summary>Makes a call that has no effect, once. Never throws.</summary>
    /// <param name="method">The method's name.</param>
    /// <param name="args">Its arguments.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether the dependency answered, be it by a refusal.</returns>
    public async Task<bool> AnswersAsync<TResult>(string method, TBase args, CancellationToken cancellationToken)
        where TResult : class, TBase, new()
    {
        try
        {
            await client.CallAsync<TResult>(method, args, cancellationToken);
            probe.Answered();
            return true;
        }
        catch (Exception e)
        {
            if (e is not WoodyCallException { Outcome: WoodyOutcome.Refused })
                return false;
            probe.Answered();
            return true;
        }
    }

    /// <summary>The first try nearly always is the only one, and costs a third less outside of the pipeline.</summary>
    private async Task<TResult> CallAsync<TResult>(
        ResiliencePipeline repeat,
        string method,
        TBase args,
        Func<TResult, string?> findFault,
        Call call,
        CancellationToken cancellationToken)
        where TResult : class, TBase, new()
    {
        WoodyCallException? failed;
        try
        {
            return await TryAsync(method, args, findFault, call, cancellationToken);
        }
        catch (WoodyCallException e)
        {
            failed = e;
        }

        return await repeat.ExecuteAsync(
            token => Interlocked.Exchange(ref failed, null) is { } first
                ? ValueTask.FromException<TResult>(first)
                : TryAsync(method, args, findFault, call, token),
            cancellationToken);
    }

    private async ValueTask<TResult> TryAsync<TResult>(
        string method,
        TBase args,
        Func<TResult, string?> findFault,
        Call call,
        CancellationToken cancellationToken)
        where TResult : class, TBase, new()
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (call.LastFailure is not null && WoodyContext.Current?.WorkUntil - clock.GetUtcNow() < ShortestTry)
            throw new OperationCanceledException("There is no time for another try.");
        try
        {
            var result = await client.CallAsync<TResult>(method, args, cancellationToken);
            if (findFault(result) is { } fault)
                throw new WoodyCallException(WoodyOutcome.Failed, WoodyErrorClass.ResultUnexpected, $"{method} was answered with {fault}");
            probe.Answered();
            return result;
        }
        catch (WoodyCallException e)
        {
            if (e.Outcome == WoodyOutcome.Refused)
                probe.Answered();
            else
                probe.Failed(e);
            call.LastFailure = e;
            call.MayBeDone |= e.Outcome is WoodyOutcome.Unknown or WoodyOutcome.Failed;
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

    private static ResiliencePipeline Repeat(TimeProvider clock, params WoodyOutcome[] outcomes) =>
        new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<WoodyCallException>(e => outcomes.Contains(e.Outcome)),
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                Delay = TimeSpan.FromMilliseconds(50),
                MaxDelay = TimeSpan.FromSeconds(1),
                UseJitter = true,
            })
            .Build();

    /// <summary>What is known of the tries of one call so far.</summary>
    private sealed class Call
    {
        public bool MayBeDone { get; set; }

        public WoodyCallException? LastFailure { get; set; }
    }
}

/// <summary>What a dependency answered to a change.</summary>
/// <param name="Result">Its reply; null where it refused the request as it is.</param>
/// <param name="Refusal">That refusal; null where there is a reply.</param>
/// <param name="EarlierTryMayBeDone">Whether a try before the answered one may have had its effect, or may have it yet.</param>
internal readonly record struct ChangeAnswer<TResult>(TResult? Result, WoodyCallException? Refusal, bool EarlierTryMayBeDone)
    where TResult : class;

internal static partial class DependencyLog
{
    [LoggerMessage(60, LogLevel.Warning, "{Dependency} failed {Method} ({Outcome}): {Reason}")]
    public static partial void CallFailed(ILogger logger, string dependency, string method, WoodyOutcome outcome, string reason);
}
