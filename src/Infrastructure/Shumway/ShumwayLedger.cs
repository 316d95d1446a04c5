using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Money;
using PayoutManager.Infrastructure.Woody;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Base;
using PayoutManager.Woody;
using Calls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;

namespace PayoutManager.Infrastructure.Shumway;

/// <summary>The accounter of Shumway over woody.</summary>
internal sealed class ShumwayLedger(DependencyClient client, TimeProvider clock) : ILedger
{
    private static readonly TimeSpan ClockPause = TimeSpan.FromMilliseconds(50);

    public async Task<LedgerClock> HoldAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        var result = await client.CallAsync<Calls.Hold_result>(
            "Hold",
            new Calls.Hold_args { PlanChange = new PostingPlanChange(plan.Id, ToBatch(plan)) },
            cancellationToken);
        return result.Success is { } held
            ? new LedgerClock(held.As_vector?.State)
            : throw Refused(plan, result.E1, result.E2);
    }

    public async Task CommitAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        var result = await client.CallAsync<Calls.CommitPlan_result>(
            "CommitPlan", new Calls.CommitPlan_args { Plan = ToPlan(plan) }, cancellationToken);
        if (result.Success is null)
            throw Refused(plan, result.E1, result.E2);
    }

    public async Task RollbackAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        var result = await client.CallAsync<Calls.RollbackPlan_result>(
            "RollbackPlan", new Calls.RollbackPlan_args { Plan = ToPlan(plan) }, cancellationToken);
        if (result.Success is null)
            throw Refused(plan, result.E1, result.E2);
    }

    public async Task<LedgerPlan?> FindPlanAsync(string planId, CancellationToken cancellationToken)
    {
        var result = await client.CallAsync<Calls.GetPlan_result>(
            "GetPlan", new Calls.GetPlan_args { Id = planId }, cancellationToken);
        return result switch
        {
            { Success: { } plan } => LedgerPlan.Restore(
                planId, plan.BatchList!.SelectMany(batch => batch.Postings!).Select(ToDomain)),
            { E1: not null } => null,
            _ => throw Empty("GetPlan"),
        };
    }

    public async Task<long> GetMinAvailableAmountAsync(
        long accountId,
        LedgerClock clock,
        CancellationToken cancellationToken)
    {
        var args = new Calls.GetBalanceByID_args { Id = accountId, Clock = ToWire(clock) };
        while (true)
        {
            var result = await client.CallAsync<Calls.GetBalanceByID_result>("GetBalanceByID", args, cancellationToken);
            switch (result)
            {
                case { Success: { } balance }:
                    return balance.MinAvailableAmount;
                case { E1: not null }:
                    throw new LedgerRefusedException("(none)", $"account {accountId} not found");
                case { E2: not null }:
                    // The replica that was asked has not seen the hold yet.
                    await PauseAsync(cancellationToken);
                    break;
                default:
                    throw Empty("GetBalanceByID");
            }
        }
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

    private static LedgerPosting ToDomain(Posting posting) => new(
        posting.FromId, posting.ToId, new Cash(posting.Amount, new Currency(posting.CurrencySymCode!)), posting.Description!);

    private static Clock ToWire(LedgerClock clock) =>
        clock.State is { } state ? new Clock.vector(new VectorClock(state)) : new Clock.latest(new LatestClock());

    private static Exception Refused(LedgerPlan plan, InvalidPostingParams? postings, InvalidRequest? request) =>
        (postings, request) switch
        {
            (not null, _) => new LedgerRefusedException(
                plan.Id,
                string.Join("; ", postings.WrongPostings!.Select(p => $"{p.Key.FromId} -> {p.Key.ToId}: {p.Value}"))),
            (_, not null) => new LedgerRefusedException(plan.Id, string.Join("; ", request.Errors!)),
            _ => Empty($"a change of plan {plan.Id}"),
        };

    private static DependencyFailedException Empty(string call) =>
        new($"Shumway answered {call} with an empty result.", WoodyErrorClass.ResultUnexpected);
}
