using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

internal enum PlanState
{
    Absent,
    Held,
    Committed,
    RolledBack,
}

/// <summary>A plan as the ledger has it.</summary>
/// <param name="Attempt">Which attempt's plan it is.</param>
/// <param name="Id">Its name.</param>
/// <param name="State">What state it is in.</param>
/// <param name="Plan">The plan with the ledger's postings; null where it is absent.</param>
internal sealed record ProbedPlan(int Attempt, string Id, PlanState State, LedgerPlan? Plan);

/// <summary>Finds out the state of plans, which the ledger does not tell, without changing any.</summary>
internal sealed class LedgerProbe(ILedger ledger)
{
    /// <summary>The plans that can have carried a payout out, and one more than there should be.</summary>
    public async Task<IReadOnlyList<ProbedPlan>> ProbeHoldsAsync(PayoutId payoutId, int attempts, CancellationToken cancellationToken)
    {
        var plans = new List<ProbedPlan>();
        for (var attempt = 1; attempt <= attempts + 1; attempt++)
            plans.Add(await ProbeAsync(attempt, LedgerPlan.HoldId(payoutId, attempt), cancellationToken));
        return plans;
    }

    /// <summary>The plans that gave a payout's money back; one that was rolled back is followed by the next.</summary>
    public async Task<IReadOnlyList<ProbedPlan>> ProbeRevertsAsync(PayoutId payoutId, CancellationToken cancellationToken)
    {
        var plans = new List<ProbedPlan>();
        while (true)
        {
            var attempt = plans.Count + 1;
            var plan = await ProbeAsync(attempt, LedgerPlan.RevertId(payoutId, attempt), cancellationToken);
            if (plan.State == PlanState.Absent)
                return plans;
            plans.Add(plan);
        }
    }

    private async Task<ProbedPlan> ProbeAsync(int attempt, string id, CancellationToken cancellationToken)
    {
        // First, because a hold of a plan that the ledger does not know would make it.
        if (await ledger.FindPlanAsync(id, cancellationToken) is not { } plan)
            return new ProbedPlan(attempt, id, PlanState.Absent, null);
        if (await SucceedsAsync(ledger.HoldAsync(plan, cancellationToken)))
            return new ProbedPlan(attempt, id, PlanState.Held, plan);
        // Refused, so it is final, and a commit can only tell which way.
        var committed = await SucceedsAsync(ledger.CommitAsync(plan, cancellationToken));
        return new ProbedPlan(attempt, id, committed ? PlanState.Committed : PlanState.RolledBack, plan);
    }

    private static async Task<bool> SucceedsAsync(Task call)
    {
        try
        {
            await call;
            return true;
        }
        catch (LedgerRefusedException)
        {
            return false;
        }
    }
}
