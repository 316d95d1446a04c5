using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>
/// What the ledger must say of a payout: unpaid is held; confirmed is committed; cancelled is rolled back, or committed and
/// given back once; no other plan of it is held or committed.
/// </summary>
internal static class LedgerRules
{
    public static IEnumerable<Disagreement> Judge(
        PayoutId payoutId,
        PayoutHistory history,
        IReadOnlyList<ProbedPlan> holds,
        IReadOnlyList<ProbedPlan> reverts)
    {
        if (history.Payout is not { } payout)
            return holds.SelectMany(plan => JudgeWithoutPayout(payoutId, plan, history.SpentAttempts));

        var own = holds.Single(plan => plan.Attempt == payout.HoldAttempt);
        return JudgeOwn(payout, own, reverts)
            .Concat(JudgePostings(own, payout.HoldPlan))
            .Concat(reverts.SelectMany(plan => JudgePostings(plan, payout.RevertPlan(plan.Attempt))))
            .Concat(holds.Where(plan => plan != own).SelectMany(plan => JudgeStray(payout, plan)));
    }

    private static IEnumerable<Disagreement> JudgeOwn(Payout payout, ProbedPlan own, IReadOnlyList<ProbedPlan> reverts)
    {
        var given = reverts.Count(plan => plan.State == PlanState.Committed);
        var state = payout.Status.State;
        var left = own.State == PlanState.Committed;
        var rolledBack = own.State == PlanState.RolledBack;

        if (own.State == PlanState.Absent)
            yield return new(DisagreementKind.PlanMissing, $"The payout is {Name(state)}, and the ledger does not know plan {own.Id}. The ledger has lost it; it has to say what became of the money.");
        else if (given > (left ? 1 : 0) && !(given == 1 && own.State == PlanState.Held && state == PayoutState.Cancelled))
            yield return new(DisagreementKind.RevertedTooOften, $"The payout is {Name(state)}, plan {own.Id} is {Name(own.State)}, and its money was given back {given} times. The ledger has to take back what was too much.");
        else if (state == PayoutState.Confirmed)
        {
            if (own.State == PlanState.Held)
                yield return new(DisagreementKind.LedgerBehind, $"The payout is confirmed, and plan {own.Id} is held.", new(RepairAction.Commit, own.Id));
            else if (rolledBack)
                yield return new(DisagreementKind.PlanRolledBack, $"The payout is confirmed, and plan {own.Id} is rolled back: no money has left. Cancel the payout if none is to.");
            else if (given == 1)
                yield return new(DisagreementKind.PayoutBehind, "The payout is confirmed, and its money was given back.", new(RepairAction.Cancel));
        }
        else if (state == PayoutState.Cancelled)
        {
            if (own.State == PlanState.Held)
                yield return new(DisagreementKind.LedgerBehind, $"The payout is cancelled, and plan {own.Id} is held.", new(given == 1 ? RepairAction.Commit : RepairAction.RollBack, own.Id));
            else if (left && given == 0)
                yield return new(DisagreementKind.RevertMissing, $"The payout is cancelled, plan {own.Id} is committed, and nothing has given its money back.", new(RepairAction.Revert));
        }
        else if (left)
            yield return new(DisagreementKind.PayoutBehind, $"The payout is {Name(state)}, and plan {own.Id} is committed.", new(RepairAction.Confirm));
        else if (rolledBack)
            yield return new(DisagreementKind.PayoutBehind, $"The payout is {Name(state)}, and plan {own.Id} is rolled back.", new(RepairAction.Cancel));

        // Also where one is committed: money that is held to be given back a second time.
        if (state != PayoutState.Cancelled || !left || given > 0)
        {
            foreach (var plan in reverts.Where(plan => plan.State == PlanState.Held))
                yield return new(DisagreementKind.StrayHold, $"The payout is {Name(state)}, and plan {plan.Id} is held.", new(RepairAction.RollBack, plan.Id));
        }
    }

    private static IEnumerable<Disagreement> JudgePostings(ProbedPlan probed, LedgerPlan own)
    {
        if (probed.Plan is { } plan && !plan.Postings.SequenceEqual(own.Postings))
            yield return new(DisagreementKind.PlanDiffers, $"Plan {probed.Id} has other postings in the ledger than the payout's: {Describe(plan)} instead of {Describe(own)}.");
    }

    private static IEnumerable<Disagreement> JudgeStray(Payout payout, ProbedPlan plan)
    {
        if (plan.State == PlanState.Held)
            yield return new(DisagreementKind.StrayHold, $"The payout's money is in plan {payout.HoldPlan.Id}, and plan {plan.Id} is held.", new(RepairAction.RollBack, plan.Id));
        else if (plan.State == PlanState.Committed)
            yield return new(DisagreementKind.StrayCommit, $"The payout's money is in plan {payout.HoldPlan.Id}, and plan {plan.Id} is committed: it was paid a second time. The ledger has to take that back.");
    }

    private static IEnumerable<Disagreement> JudgeWithoutPayout(PayoutId payoutId, ProbedPlan plan, int spentAttempts)
    {
        if (plan.State == PlanState.Committed)
            yield return new(DisagreementKind.StrayCommit, $"There is no payout {payoutId}, and plan {plan.Id} is committed: the database has lost the payout, or somebody else has moved the plan.");
        else if (plan.State == PlanState.Held && plan.Attempt <= spentAttempts)
            yield return new(DisagreementKind.StrayHold, $"There is no payout {payoutId}, and plan {plan.Id}, which is spent, is held.", new(RepairAction.RollBack, plan.Id));
        else if (plan.State == PlanState.Held)
            yield return new(DisagreementKind.StrayHold, $"There is no payout {payoutId}, and plan {plan.Id} is held. A create may be about to use it: create the payout again with the same parameters, or roll the plan back in the ledger while nobody does.");
    }

    private static string Describe(LedgerPlan plan) =>
        string.Join(", ", plan.Postings.Select(p => $"{p.FromId} -> {p.ToId} {p.Volume} '{p.Description}'"));

    private static string Name(PayoutState state) => state.ToString().ToLowerInvariant();

    private static string Name(PlanState state) => state == PlanState.RolledBack ? "rolled back" : state.ToString().ToLowerInvariant();
}
