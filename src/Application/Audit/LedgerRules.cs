using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>A plan of a payout, as the ledger's records have it.</summary>
/// <param name="Attempt">Which attempt's plan it is.</param>
/// <param name="Id">Its name.</param>
/// <param name="Record">What the ledger keeps of it; null where it does not know the plan.</param>
internal sealed record LookedUpPlan(int Attempt, string Id, RecordedPlan? Record)
{
    public RecordedState? State => Record?.State;
}

/// <summary>
/// What the ledger must say of a payout: unpaid is held; confirmed is committed; cancelled is rolled back, or committed and
/// given back once; no other plan of it is held or committed.
/// </summary>
internal static class LedgerRules
{
    /// <summary>Why what the row says is not carried out.</summary>
    public const string NoWitness = "No event shows what the row says, so nothing is moved because of it.";

    /// <summary>Judges a payout by all of its plans.</summary>
    /// <param name="evidence">The payout.</param>
    /// <param name="holds">Its own plan, those of the attempts before it and of the next.</param>
    /// <param name="reverts">The plans that give its money back, up to one that the ledger does not know.</param>
    public static IReadOnlyList<Disagreement> Judge(
        Evidence evidence, IReadOnlyList<LookedUpPlan> holds, IReadOnlyList<LookedUpPlan> reverts)
    {
        var payout = evidence.Payout!;
        var own = holds.Single(plan => plan.Attempt == payout.HoldAttempt);
        List<Disagreement> found =
        [
            .. JudgeOwn(evidence, payout, own, reverts),
            .. JudgePostings(own, payout.HoldPlan),
            .. reverts.SelectMany(plan => JudgePostings(plan, payout.RevertPlan(plan.Attempt))),
        ];
        var isAsItMustBe = found.Count == 0;
        found.AddRange(holds.Where(plan => plan != own).SelectMany(plan => JudgeStray(evidence, payout, plan, isAsItMustBe)));
        // What people have to decide first may change what is right for the rest.
        return found.Any(d => d.Repairs.Count == 0) ? [.. found.Select(d => d with { Repairs = [] })] : found;
    }

    private static IEnumerable<Disagreement> JudgeOwn(
        Evidence evidence, Payout payout, LookedUpPlan own, IReadOnlyList<LookedUpPlan> reverts)
    {
        var given = reverts.Count(plan => plan.State == RecordedState.Committed);
        var state = payout.Status.State;
        var left = own.State == RecordedState.Committed;
        var rolledBack = own.State == RecordedState.RolledBack;
        var held = own.State == RecordedState.Held;
        var isToBeCommitted = held && given == 1 && state == PayoutState.Cancelled && evidence.WasConfirmed != false;

        if (own.State is null)
            yield return new(DisagreementKind.PlanMissing, $"The payout is {payout.Status}, and the ledger does not know plan {own.Id}. The ledger has lost it; it has to say what became of the money.");
        else if (given > (left ? 1 : 0) && !isToBeCommitted)
            yield return new(DisagreementKind.RevertedTooOften, $"The payout is {payout.Status}, plan {own.Id} is {Name(own.State)}, and its money was given back {given} times. The ledger has to take back what was too much.");
        else if (state == PayoutState.Confirmed)
        {
            if (held)
                yield return Move(evidence, DisagreementKind.LedgerBehind, $"The payout is confirmed, and plan {own.Id} is held.", new(RepairAction.Commit, own.Id, own.Attempt));
            else if (rolledBack)
                yield return new(DisagreementKind.PlanRolledBack, $"The payout is confirmed, and plan {own.Id} is rolled back: no money has left. Cancel the payout if none is to.");
            else if (given == 1)
                yield return new(DisagreementKind.PayoutBehind, "The payout is confirmed, and its money was given back.", new Repair(RepairAction.Cancel));
        }
        else if (state == PayoutState.Cancelled)
        {
            if (held)
                yield return Move(evidence, DisagreementKind.LedgerBehind, $"The payout is cancelled, and plan {own.Id} is held.", new(isToBeCommitted ? RepairAction.Commit : RepairAction.RollBack, own.Id, own.Attempt));
            else if (left && given == 0)
                yield return Move(evidence, DisagreementKind.RevertMissing, $"The payout is cancelled, plan {own.Id} is committed, and nothing has given its money back.", Revert(payout, reverts));
        }
        else if (left && given == 1)
            yield return new(DisagreementKind.PayoutBehind, $"The payout is {payout.Status}, plan {own.Id} is committed, and its money was given back.", new Repair(RepairAction.Confirm), new Repair(RepairAction.Cancel));
        else if (left)
            yield return new(DisagreementKind.PayoutBehind, $"The payout is {payout.Status}, and plan {own.Id} is committed.", new Repair(RepairAction.Confirm));
        else if (rolledBack)
            yield return new(DisagreementKind.PayoutBehind, $"The payout is {payout.Status}, and plan {own.Id} is rolled back.", new Repair(RepairAction.Cancel));

        // Also where one is committed: money that is held to be given back a second time.
        if (state != PayoutState.Cancelled || !left || given > 0)
        {
            foreach (var plan in reverts.Where(plan => plan.State == RecordedState.Held))
                yield return Move(evidence, DisagreementKind.StrayHold, $"The payout is {payout.Status}, and plan {plan.Id} is held.", new(RepairAction.RollBack, plan.Id, plan.Attempt));
        }
    }

    /// <summary>As the ledger compares them: as sets.</summary>
    private static IEnumerable<Disagreement> JudgePostings(LookedUpPlan plan, LedgerPlan own)
    {
        if (plan.Record is { } record && !(record.IsOneBatch && record.Postings.ToHashSet().SetEquals(own.Postings)))
            yield return new(DisagreementKind.PlanDiffers, $"Plan {plan.Id} has other postings in the ledger than the payout's: {Describe(record.Postings)} instead of {Describe(own.Postings)}.");
    }

    private static IEnumerable<Disagreement> JudgeStray(Evidence evidence, Payout payout, LookedUpPlan plan, bool isAsItMustBe)
    {
        var where = $"The payout's row stands on plan {payout.HoldPlan.Id}, and plan {plan.Id} is";
        if (plan.State == RecordedState.Committed)
            yield return new(DisagreementKind.StrayCommit, $"{where} committed: it was paid a second time, or by another plan than the row says. The ledger has to take that back.");
        else if (plan.State != RecordedState.Held)
            yield break;
        else if (isAsItMustBe && plan.Record!.IsOneBatch)
            yield return Move(evidence, DisagreementKind.StrayHold, $"{where} held.", new(RepairAction.RollBack, plan.Id, plan.Attempt));
        else
            yield return new(DisagreementKind.StrayHold, $"{where} held.");
    }

    /// <summary>A disagreement whose repair moves money, which more than the row has to speak for.</summary>
    private static Disagreement Move(Evidence evidence, DisagreementKind kind, string description, Repair repair) =>
        evidence.HasWitness ? new(kind, description, repair) : new(kind, $"{description} {NoWitness}");

    /// <summary>By the plan that is held to give the money back, or else the first that can be.</summary>
    private static Repair Revert(Payout payout, IReadOnlyList<LookedUpPlan> reverts)
    {
        var plan = reverts.FirstOrDefault(r => r.State == RecordedState.Held) ?? reverts.FirstOrDefault(r => r.State is null);
        var attempt = plan?.Attempt ?? reverts.Count + 1;
        return new Repair(RepairAction.Revert, LedgerPlan.RevertId(payout.Id, attempt), attempt);
    }

    private static string Describe(IReadOnlyList<LedgerPosting> postings) =>
        string.Join(", ", postings.Select(p => $"{p.FromId} -> {p.ToId} {p.Volume} '{p.Description}'"));

    private static string Name(RecordedState? state) =>
        state == RecordedState.RolledBack ? "rolled back" : $"{state}".ToLowerInvariant();
}
