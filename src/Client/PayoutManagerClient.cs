using Microsoft.Extensions.Options;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Woody;
using Polly;
using Polly.Retry;
using Thrift.Protocol;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Client;

/// <summary>The payout service over woody.</summary>
internal sealed class PayoutManagerClient : IPayoutManagerClient
{
    private readonly WoodyClient _woody;
    private readonly TimeSpan _deadline;
    private readonly TimeProvider _clock;
    private readonly ResiliencePipeline _afterNotDone;
    private readonly ResiliencePipeline _afterUnknown;

    public PayoutManagerClient(IHttpClientFactory http, IOptions<PayoutManagerClientOptions> options, TimeProvider clock)
    {
        var chosen = options.Value;
        _woody = new WoodyClient(
            http.CreateClient(PayoutManagerClientServices.HttpClientName), chosen.Url!, chosen.Timeout, clock, "PayoutManagement");
        _deadline = chosen.Deadline;
        _clock = clock;
        _afterNotDone = RetryOn(WoodyOutcome.NotDone);
        _afterUnknown = RetryOn(WoodyOutcome.NotDone, WoodyOutcome.Unknown);
    }

    public async Task<Payout> CreateAsync(PayoutParams payout, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(payout);
        var call = Begin();
        var response = await CallAsync<Calls.CreatePayout_result>(
            "CreatePayout",
            new Calls.CreatePayout_args { PayoutParams = payout },
            // Without an id each try would be a payout of its own.
            payout.PayoutId is null ? _afterNotDone : _afterUnknown,
            call,
            cancellationToken);
        return response.Result switch
        {
            { Success: { } created } => created,
            { Ex1: not null } => throw Refused(call, new InsufficientFundsException(DetailOf(response, nameof(InsufficientFunds)))),
            { Ex2: { } invalid } => throw Refused(call, new InvalidPayoutRequestException([.. invalid.Errors!])),
            { Ex3: not null } when payout.PayoutId is { } id =>
                await TakeIfOwnAsync(id, ReadSameRequest(response), call, cancellationToken),
            { Ex4: { } missing } => throw Refused(call, NotFound(missing)),
            _ => throw Empty("CreatePayout"),
        };
    }

    public async Task<Payout> GetAsync(string payoutId, CancellationToken cancellationToken = default)
    {
        var result = await FindAsync(payoutId, Begin(), cancellationToken);
        return result.Success ?? throw (result.Ex1 is { } missing ? NotFound(missing) : Empty("GetPayout"));
    }

    public async Task ConfirmAsync(string payoutId, CancellationToken cancellationToken = default)
    {
        var response = await CallAsync<Calls.ConfirmPayout_result>(
            "ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = payoutId }, _afterUnknown, Begin(), cancellationToken);
        if (response.Result.Ex1 is { } missing)
            throw NotFound(missing);
    }

    public async Task CancelAsync(string payoutId, string details, CancellationToken cancellationToken = default)
    {
        var response = await CallAsync<Calls.CancelPayout_result>(
            "CancelPayout",
            new Calls.CancelPayout_args { PayoutId = payoutId, Details = details },
            _afterUnknown,
            Begin(),
            cancellationToken);
        if (response.Result.Ex1 is { } missing)
            throw NotFound(missing);
    }

    /// <summary>
    /// A refusal of the latest try, if no earlier one may still create the payout. The terms may have changed between the two.
    /// </summary>
    private static PayoutManagerException Refused(Call call, PayoutManagerException refusal) => call.MayBeDone
        ? new PayoutCallException(
            WoodyOutcome.Unknown, $"CreatePayout may have been done by an earlier try; the latest was refused: {refusal.Message}", call.LastTry)
        : refusal;

    /// <summary>The payout by an id that is taken, if an earlier try of this call has created it.</summary>
    private async Task<Payout> TakeIfOwnAsync(string payoutId, bool? sameRequest, Call call, CancellationToken cancellationToken)
    {
        if (!call.MayBeDone || sameRequest is false)
            throw new PayoutAlreadyExistsException(payoutId, sameRequest);
        // Nothing that a payout shows can stand in for the header: the amount that was asked for is not among it.
        if (sameRequest is null)
            throw new PayoutOriginUnknownException(payoutId);
        return (await FindAsync(payoutId, call, cancellationToken)).Success
            ?? throw new PayoutCallException(WoodyOutcome.Failed, $"Payout {payoutId} exists, but the service does not find it.");
    }

    private async Task<Calls.GetPayout_result> FindAsync(string payoutId, Call call, CancellationToken cancellationToken)
    {
        var response = await CallAsync<Calls.GetPayout_result>(
            "GetPayout", new Calls.GetPayout_args { PayoutId = payoutId }, _afterUnknown, call, cancellationToken);
        return response.Result;
    }

    private async Task<WoodyResponse<TResult>> CallAsync<TResult>(
        string method, TBase args, ResiliencePipeline repeats, Call call, CancellationToken cancellationToken)
        where TResult : TBase, new()
    {
        using var time = new CancellationTokenSource(Positive(call.Deadline - _clock.GetUtcNow()), _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken);
        // Of this method's flow alone: the caller's stays as it is.
        WoodyContext.Current = (WoodyContext.Current ?? WoodyContext.NewRoot()) with { Deadline = call.Deadline };
        try
        {
            return await repeats.ExecuteAsync(
                async token =>
                {
                    try
                    {
                        return await _woody.CallForResponseAsync<TResult>(method, args, token);
                    }
                    catch (WoodyCallException e)
                    {
                        call.LastTry = e;
                        call.MayBeDone |= e.Outcome is WoodyOutcome.Unknown or WoodyOutcome.Failed;
                        throw;
                    }
                    catch (OperationCanceledException)
                    {
                        // Given up while under way.
                        call.LastTry = null;
                        call.MayBeDone = true;
                        throw;
                    }
                },
                either.Token);
        }
        catch (WoodyCallException e) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(e.Message, e, cancellationToken);
        }
        catch (Exception e) when (e is WoodyCallException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw Unanswered(method, (e as WoodyCallException)?.Outcome ?? WoodyOutcome.NotDone, call);
        }
    }

    /// <summary>What is told of a call without a reply.</summary>
    /// <param name="method">The call.</param>
    /// <param name="last">How its last try ended, which says nothing of those before it.</param>
    /// <param name="call">What is known of all of its tries.</param>
    private PayoutCallException Unanswered(string method, WoodyOutcome last, Call call)
    {
        var outcome = last is WoodyOutcome.NotDone or WoodyOutcome.Refused && call.MayBeDone ? WoodyOutcome.Unknown : last;
        var effect = outcome switch
        {
            WoodyOutcome.NotDone => "was not done",
            WoodyOutcome.Refused => "was refused",
            WoodyOutcome.Failed => "failed, and may have been done",
            _ => "may have been done",
        };
        return new PayoutCallException(
            outcome, $"{method} {effect}: {call.LastTry?.Message ?? $"no answer within {_deadline:c}"}", call.LastTry);
    }

    private Call Begin()
    {
        var end = _clock.GetUtcNow() + _deadline;
        return new Call(WoodyContext.Current?.Deadline is { } earlier && earlier < end ? earlier : end);
    }

    private ResiliencePipeline RetryOn(params WoodyOutcome[] outcomes) => new ResiliencePipelineBuilder { TimeProvider = _clock }
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<WoodyCallException>(e => outcomes.Contains(e.Outcome)),
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(50),
            MaxDelay = TimeSpan.FromSeconds(2),
            UseJitter = true,
        })
        .Build();

    private static TimeSpan Positive(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;

    /// <summary>What follows an exception's name in the reason, such as <c>InsufficientFunds: nothing left after fees</c>; null if nothing does.</summary>
    private static string? DetailOf<TResult>(WoodyResponse<TResult> response, string exception)
        where TResult : TBase =>
        response.FindHeader(WoodyHeaders.ErrorReason) is { } reason
        && reason.StartsWith($"{exception}:", StringComparison.Ordinal)
        && reason[(exception.Length + 1)..].Trim() is { Length: > 0 } detail
            ? detail
            : null;

    private static bool? ReadSameRequest<TResult>(WoodyResponse<TResult> response)
        where TResult : TBase =>
        bool.TryParse(response.FindHeader(PayoutHeaders.SameRequest), out var same) ? same : null;

    private static PayoutNotFoundException NotFound(NotFound missing) =>
        new(missing.Message ?? "The service does not find what the call names.");

    private static PayoutCallException Empty(string method) =>
        new(WoodyOutcome.Failed, $"{method} failed: it was answered with an empty result");

    /// <summary>A call until its deadline, and what is known of its tries so far.</summary>
    private sealed class Call(DateTimeOffset deadline)
    {
        public DateTimeOffset Deadline { get; } = deadline;

        public bool MayBeDone { get; set; }

        public WoodyCallException? LastTry { get; set; }
    }
}
