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
        var tries = new Tries();
        var result = await CallAsync<Calls.CreatePayout_result>(
            "CreatePayout",
            new Calls.CreatePayout_args { PayoutParams = payout },
            // Without an id each try would be a payout of its own.
            payout.PayoutId is null ? _afterNotDone : _afterUnknown,
            tries,
            cancellationToken);
        return result switch
        {
            { Success: { } created } => created,
            { Ex1: { } refusal } => throw refusal,
            { Ex2: { } refusal } => throw refusal,
            { Ex3: { } taken } => tries.MayBeDone && await FindAskedAsync(payout, cancellationToken) is { } ours ? ours : throw taken,
            { Ex4: { } refusal } => throw refusal,
            _ => throw Empty("CreatePayout"),
        };
    }

    public async Task<Payout> GetAsync(string payoutId, CancellationToken cancellationToken = default)
    {
        var result = await CallAsync<Calls.GetPayout_result>(
            "GetPayout", new Calls.GetPayout_args { PayoutId = payoutId }, _afterUnknown, new Tries(), cancellationToken);
        return result.Success ?? throw (Exception?)result.Ex1 ?? Empty("GetPayout");
    }

    public async Task ConfirmAsync(string payoutId, CancellationToken cancellationToken = default)
    {
        var result = await CallAsync<Calls.ConfirmPayout_result>(
            "ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = payoutId }, _afterUnknown, new Tries(), cancellationToken);
        if (result.Ex1 is { } refusal)
            throw refusal;
    }

    public async Task CancelAsync(string payoutId, string details, CancellationToken cancellationToken = default)
    {
        var result = await CallAsync<Calls.CancelPayout_result>(
            "CancelPayout",
            new Calls.CancelPayout_args { PayoutId = payoutId, Details = details },
            _afterUnknown,
            new Tries(),
            cancellationToken);
        if (result.Ex1 is { } refusal)
            throw refusal;
    }

    /// <summary>
    /// The payout by an id that is taken, if it can be what an earlier try of this call has created. Amounts tell nothing: the
    /// payout has its own after fees.
    /// </summary>
    private async Task<Payout?> FindAskedAsync(PayoutParams asked, CancellationToken cancellationToken)
    {
        var found = await GetAsync(asked.PayoutId!, cancellationToken);
        return found.PartyId == asked.ShopParams!.PartyId
            && found.ShopId == asked.ShopParams.ShopId
            && found.Currency!.SymbolicCode == asked.Cash!.Currency!.SymbolicCode
            && (asked.PayoutToolId is null || found.PayoutToolId == asked.PayoutToolId)
            ? found
            : null;
    }

    private async Task<TResult> CallAsync<TResult>(
        string method, TBase args, ResiliencePipeline repeats, Tries tries, CancellationToken cancellationToken)
        where TResult : TBase, new()
    {
        var ambient = WoodyContext.Current;
        var end = _clock.GetUtcNow() + _deadline;
        var deadline = ambient?.Deadline < end ? ambient.Deadline.Value : end;
        using var time = new CancellationTokenSource(Positive(deadline - _clock.GetUtcNow()), _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, cancellationToken);
        // Of this method's flow alone: the caller's stays as it is.
        WoodyContext.Current = (ambient ?? WoodyContext.NewRoot()) with { Deadline = deadline };
        try
        {
            return await repeats.ExecuteAsync(
                async token =>
                {
                    try
                    {
                        return await _woody.CallAsync<TResult>(method, args, token);
                    }
                    catch (WoodyCallException e)
                    {
                        tries.Last = e;
                        tries.MayBeDone |= e.Outcome == WoodyOutcome.Unknown;
                        throw;
                    }
                    catch (OperationCanceledException)
                    {
                        // Given up while under way.
                        tries.MayBeDone = true;
                        throw;
                    }
                },
                either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw tries.MayBeDone
                ? new WoodyCallException(WoodyOutcome.Unknown, WoodyErrorClass.ResultUnknown, $"{method}: no answer within {_deadline:c}.", (Exception?)tries.Last ?? e)
                : new WoodyCallException(WoodyOutcome.NotDone, WoodyErrorClass.ResourceUnavailable, $"{method}: not done within {_deadline:c}.", (Exception?)tries.Last ?? e);
        }
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

    private static WoodyCallException Empty(string method) =>
        new(WoodyOutcome.Unexpected, WoodyErrorClass.ResultUnexpected, $"{method} was answered with an empty result.");

    /// <summary>What is known of the tries of one call so far.</summary>
    private sealed class Tries
    {
        public bool MayBeDone { get; set; }

        public WoodyCallException? Last { get; set; }
    }
}
