using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>How stored payout, ledger and topic can disagree.</summary>
public enum DisagreementKind
{
    /// <summary>The payout has moved on and its plan has not.</summary>
    LedgerBehind,

    /// <summary>The plan has moved on and the payout has not.</summary>
    PayoutBehind,

    /// <summary>The payout is cancelled after its money had left, which nothing has given back.</summary>
    RevertMissing,

    /// <summary>The money was given back although it had not left, or more than once.</summary>
    RevertedTooOften,

    /// <summary>A plan of the payout that is none of its business holds money.</summary>
    StrayHold,

    /// <summary>A plan of the payout that is none of its business has moved money.</summary>
    StrayCommit,

    /// <summary>The ledger does not know the payout's plan.</summary>
    PlanMissing,

    /// <summary>The payout is confirmed, and its plan was rolled back.</summary>
    PlanRolledBack,

    /// <summary>The plan's postings are not the payout's.</summary>
    PlanDiffers,

    /// <summary>A change of the payout has no event.</summary>
    EventMissing,

    /// <summary>The latest event does not show the payout as it is stored.</summary>
    EventDiffers,

    /// <summary>An event that is marked as published is not in the topic.</summary>
    NotPublished,

    /// <summary>The topic has a record of the payout that is not one of its events.</summary>
    ForeignRecord,

    /// <summary>The payout's events are in the topic in another order, or in several partitions.</summary>
    PublishedOutOfOrder,
}

/// <summary>What brings the two sides together again.</summary>
public enum RepairAction
{
    /// <summary>Commit the plan.</summary>
    Commit,

    /// <summary>Roll the plan back.</summary>
    RollBack,

    /// <summary>Give the payout's money back.</summary>
    Revert,

    /// <summary>Confirm the payout.</summary>
    Confirm,

    /// <summary>Cancel the payout.</summary>
    Cancel,

    /// <summary>Send the payout's events again, from the one that is missing.</summary>
    SendAgain,
}

/// <summary>Something that two of the three say differently.</summary>
/// <param name="Kind">What kind of disagreement.</param>
/// <param name="Description">Who says what, and why it is not repaired where it cannot be.</param>
/// <param name="Repair">What repairs it; null where the rules do not say which side is right.</param>
public sealed record Disagreement(DisagreementKind Kind, string Description, Repair? Repair = null);

/// <summary>A repair. Each moves ledger, payout or topic forward only, so it may be repeated, and done by several at once.</summary>
/// <param name="Action">What to do.</param>
/// <param name="PlanId">The plan to do it with; empty where it is not about a plan.</param>
/// <param name="FromSequenceId">The first event to send again.</param>
public sealed record Repair(RepairAction Action, string PlanId = "", int FromSequenceId = 0);

/// <summary>What came of looking at one payout.</summary>
/// <param name="PayoutId">Which.</param>
/// <param name="IsUnderWay">Whether it is being changed right now, so that nothing can be said.</param>
/// <param name="Disagreements">What does not agree.</param>
public sealed record PayoutAudit(PayoutId PayoutId, bool IsUnderWay, IReadOnlyList<Disagreement> Disagreements)
{
    /// <summary>Whether all three say the same.</summary>
    public bool Agrees => !IsUnderWay && Disagreements.Count == 0;
}
