using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Infrastructure.Woody;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Base;
using Thrift.Protocol;
using Calls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;

namespace PayoutManager.Infrastructure.Shumway;

/// <summary>The accounter of Shumway over woody.</summary>
/// <remarks>
/// A refusal has two forms that mean the same: an exception that the contract declares, or HTTP 400 <c>Result Unexpected</c>, which is how
/// the deployed accounter answers (it throws the exceptions of an older contract). It never answers <c>ClockInFuture</c> either. Any other
/// failure, a success without a clock included, says nothing about the effect.
/// </remarks>
internal sealed class ShumwayLedger(DependencyClient client, TimeProvider clock) : ILedger
{
    private const string NoPlan = "(none)";
    private const long NoAccount = 0;
    private const string EmptyResult = "an empty result";

    private static readonly TimeSpan ClockPause = TimeSpan.FromMilliseconds(50);

    public async Task<LedgerClock> HoldAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        var result = await CallAsync<Calls.Hold_result>(
            "Hold",
            new Calls.Hold_args { PlanChange = new PostingPlanChange(plan.Id, ToBatch(plan)) },
            plan.Id,
            r => FindFault(r.Success, r.E1, r.E2),
            r => FindRefusal(r.E1, r.E2),
            cancellationToken);
        return new LedgerClock(result.Success!.As_vector?.State);
    }

    public async Task CommitAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        await CallAsync<Calls.CommitPlan_result>(
            "CommitPlan",
            new Calls.CommitPlan_args { Plan = ToPlan(plan) },
            plan.Id,
            r => FindFault(r.Success, r.E1, r.E2),
            r => FindRefusal(r.E1, r.E2),
            cancellationToken);
    }

    public async Task RollbackAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        await CallAsync<Calls.RollbackPlan_result>(
            "RollbackPlan",
            new Calls.RollbackPlan_args { Plan = ToPlan(plan) },
            plan.Id,
            r => FindFault(r.Success, r.E1, r.E2),
            r => FindRefusal(r.E1, r.E2),
            cancellationToken);
    }

    public async Task<long> GetMinAvailableAmountAsync(
        long accountId,
        LedgerClock clock,
        CancellationToken cancellationToken)
    {
        var args = new Calls.GetBalanceByID_args { Id = accountId, Clock = ToWire(clock) };
        while (true)
        {
            var result = await CallAsync<Calls.GetBalanceByID_result>(
                "GetBalanceByID",
                args,
                NoPlan,
                r => r is { Success: null, E1: null, E2: null } ? EmptyResult : null,
                r => r.E1 is null ? null : $"account {accountId} not found",
                cancellationToken);
            if (result.Success is { } balance)
                return balance.MinAvailableAmount;
            // The replica that was asked has not seen the hold yet.
            await PauseAsync(cancellationToken);
        }
    }

    // A refusal of an account that cannot exist is an answer, too.
    public Task<bool> AnswersAsync(CancellationToken cancellationToken) => client.AnswersAsync<Calls.GetBalanceByID_result>(
        "GetBalanceByID",
        new Calls.GetBalanceByID_args { Id = NoAccount, Clock = ToWire(new LedgerClock(null)) },
        cancellationToken);

    /// <summary>Calls, with the accounter's refusals in both forms turned into the port's.</summary>
    private async Task<TResult> CallAsync<TResult>(
        string method,
        TBase args,
        string planId,
        Func<TResult, string?> findFault,
        Func<TResult, string?> findRefusal,
        CancellationToken cancellationToken)
        where TResult : class, TBase, new()
    {
        var answer = await client.ChangeAsync(method, args, findFault, cancellationToken);
        var refusal = answer.Result is { } result ? findRefusal(result) : $"{method}: {answer.Refusal!.ErrorReason ?? "no reason given"}";
        return refusal is null ? answer.Result! : throw new LedgerRefusedException(planId, refusal, answer.EarlierTryMayBeDone);
    }

    private async Task PauseAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(ClockPause, clock, cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            throw new NotDoneException("Shumway has not caught up with its own clock in time.", e);
        }
    }

    private static PostingBatch ToBatch(LedgerPlan plan) => new(
        LedgerPlan.BatchId,
        [
            .. plan.Postings.Select(posting => new Posting(
                posting.FromId, posting.ToId, posting.Volume.Amount, posting.Volume.Currency.Code, posting.Description)),
        ]);

    private static PostingPlan ToPlan(LedgerPlan plan) => new(plan.Id, [ToBatch(plan)]);

    private static Clock ToWire(LedgerClock clock) =>
        clock.State is { } state ? new Clock.vector(new VectorClock(state)) : new Clock.latest(new LatestClock());

    /// <summary>Why a reply to a change of a plan cannot be used; null if it can.</summary>
    private static string? FindFault(Clock? success, InvalidPostingParams? postings, InvalidRequest? request) =>
        (success, postings, request) switch
        {
            (null, null, null) => EmptyResult,
            (null or Clock.vector or Clock.latest, _, _) => null,
            _ => "a clock of an unknown kind",
        };

    /// <summary>Why the ledger refuses a change of a plan, by its declared exceptions; null if it does not.</summary>
    private static string? FindRefusal(InvalidPostingParams? postings, InvalidRequest? request) => (postings, request) switch
    {
        (not null, _) => string.Join("; ", postings.WrongPostings!.Select(p => $"{p.Key.FromId} -> {p.Key.ToId}: {p.Value}")),
        (_, not null) => string.Join("; ", request.Errors!),
        _ => null,
    };
}
