using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>How stored payout, events, topic and ledger can disagree, or what of them cannot be known.</summary>
public enum DisagreementKind
{
    /// <summary>The payout has moved on and its plan has not.</summary>
    LedgerBehind,

    /// <summary>The plan has moved on and the payout has not.</summary>
    PayoutBehind,

    /// <summary>The payout is unpaid or paid, and the ledger refuses to hold its plan: it is final, gone, or has other postings.</summary>
    PlanNotHeld,

    /// <summary>The payout was confirmed, and its plan is neither held nor committed: it is rolled back, gone, or has other postings.</summary>
    PlanNotCommitted,

    /// <summary>The payout is cancelled, and its plan cannot be rolled back: it is committed, gone, or has other postings.</summary>
    PlanNotRolledBack,

    /// <summary>The payout is cancelled after its money had left, which nothing has given back.</summary>
    RevertMissing,

    /// <summary>The money was given back although it had not left, or more than once.</summary>
    RevertedTooOften,

    /// <summary>A plan of another attempt at the payout holds money.</summary>
    StrayHold,

    /// <summary>A plan of another attempt at the payout has moved money.</summary>
    StrayCommit,

    /// <summary>The ledger does not know the payout's plan.</summary>
    PlanMissing,

    /// <summary>The payout is confirmed, and its plan was rolled back.</summary>
    PlanRolledBack,

    /// <summary>The plan's postings are not the payout's.</summary>
    PlanDiffers,

    /// <summary>A change of the payout has no event.</summary>
    EventMissing,

    /// <summary>The events do not show the payout as it is stored, or not in an order that is possible.</summary>
    EventDiffers,

    /// <summary>An event that the broker has acknowledged is not in the topic.</summary>
    NotPublished,

    /// <summary>The topic has a record of the payout that is not one of its events.</summary>
    ForeignRecord,

    /// <summary>The payout's events are in the topic in another order, or in several partitions.</summary>
    PublishedOutOfOrder,

    /// <summary>Not known: whether the money of a payout that was confirmed and then cancelled was given back.</summary>
    RevertUnknown,

    /// <summary>
    /// Not known: whether the ledger agrees with a payout that stands on a later attempt. Asking for its plans by calls could hold money twice.
    /// </summary>
    AttemptUnknown,

    /// <summary>
    /// Not known: whether the ledger agrees. No event shows that the payout is confirmed or cancelled, as its row says, so a call that can
    /// move money is not made because of the row.
    /// </summary>
    NoWitness,

    /// <summary>Not known: what the plan of a failed payout must be.</summary>
    FailedPayout,
}

/// <summary>What brings the sides together again.</summary>
public enum RepairAction
{
    /// <summary>Commit the plan.</summary>
    Commit,

    /// <summary>Roll the plan back.</summary>
    RollBack,

    /// <summary>
    /// Hold and commit the plan, or the first of the next attempts that is not rolled back; nothing where a later attempt's is committed.
    /// </summary>
    Revert,

    /// <summary>Confirm the payout.</summary>
    Confirm,

    /// <summary>Cancel the payout.</summary>
    Cancel,

    /// <summary>Send the payout's events again, from the one that is missing.</summary>
    SendAgain,
}

/// <summary>Something that two of the sides say differently, or that cannot be known.</summary>
/// <param name="Kind">What kind of disagreement.</param>
/// <param name="Description">Who says what, and why it is not repaired where it cannot be.</param>
/// <param name="Repairs">What repairs it, in order; empty where the rules do not say which side is right.</param>
public sealed record Disagreement(DisagreementKind Kind, string Description, params IReadOnlyList<Repair> Repairs);

/// <summary>A repair. Each moves ledger, payout or topic forward only, so it may be repeated, and done by several at once.</summary>
/// <param name="Action">What to do.</param>
/// <param name="PlanId">The plan to do it with; empty where it is not about a plan.</param>
/// <param name="Attempt">The plan's attempt, from 1; 0 where it is not about a plan.</param>
/// <param name="FromSequenceId">The first event to send again.</param>
public sealed record Repair(RepairAction Action, string PlanId = "", int Attempt = 0, int FromSequenceId = 0)
{
    /// <summary>The repair in words, as something that somebody would do.</summary>
    public override string ToString() => Action switch
    {
        RepairAction.Commit => $"commit plan {PlanId}",
        RepairAction.RollBack => $"roll back plan {PlanId}",
        RepairAction.Revert => $"hold and commit plan {PlanId}, or the next attempt's where that one is rolled back",
        RepairAction.Confirm => "confirm the payout, which commits its plan where it is not yet committed",
        RepairAction.Cancel => "cancel the payout, which gives its money back where that is not yet done",
        _ => $"send the payout's events again from event {FromSequenceId}",
    };
}

/// <summary>How the ledger's side of a payout was looked at.</summary>
public enum LedgerLook
{
    /// <summary>
    /// The ledger was not asked: the payout is being changed, row, events and topic disagree with each other, or an answer cannot be had
    /// without moving money.
    /// </summary>
    NotAsked,

    /// <summary>The ledger was asked by calls.</summary>
    Calls,

    /// <summary>The ledger's database was read.</summary>
    Database,

    /// <summary>The ledger gave no answer that says anything.</summary>
    NoAnswer,
}

/// <summary>What came of looking at one payout.</summary>
/// <param name="PayoutId">Which.</param>
/// <param name="IsUnderWay">Whether it is being changed right now, so that nothing can be said.</param>
/// <param name="Ledger">How the ledger's side was looked at.</param>
/// <param name="Disagreements">What does not agree.</param>
/// <param name="NotKnown">What cannot be known without moving money.</param>
/// <param name="Failure">Why the ledger could not be asked; null unless <paramref name="Ledger"/> is <see cref="LedgerLook.NoAnswer"/>.</param>
public sealed record PayoutAudit(
    PayoutId PayoutId,
    bool IsUnderWay,
    LedgerLook Ledger,
    IReadOnlyList<Disagreement> Disagreements,
    IReadOnlyList<Disagreement> NotKnown,
    string? Failure = null)
{
    /// <summary>Whether there is a later change than the one that was looked at, so that the ledger was not asked yet.</summary>
    public bool IsSuperseded { get; init; }

    /// <summary>Whether the broker has not acknowledged an event yet that was to be found in the topic.</summary>
    public bool AwaitsBroker { get; init; }

    /// <summary>Whether all sides were looked at and say the same.</summary>
    public bool Agrees => !IsUnderWay && Failure is null && Disagreements.Count == 0 && NotKnown.Count == 0;

    /// <summary>Whether something disagrees, is not known, or was not compared.</summary>
    public bool IsWorthTelling => !Agrees;

    /// <summary>The audit of a payout that is being changed.</summary>
    public static PayoutAudit UnderWay(PayoutId payoutId) => new(payoutId, IsUnderWay: true, LedgerLook.NotAsked, [], []);

    /// <summary>What would be done to repair it, in order.</summary>
    public IEnumerable<Repair> Repairs => Disagreements.Concat(NotKnown).SelectMany(d => d.Repairs);
}

/// <summary>What an audit has to ask.</summary>
public enum AuditSource
{
    /// <summary>The service's own database.</summary>
    Database,

    /// <summary>The ledger, or its database.</summary>
    Ledger,

    /// <summary>The topic.</summary>
    Topic,
}

/// <summary>An audit could not be finished because it could not ask one of its sources.</summary>
/// <param name="source">Which.</param>
/// <param name="cause">What the source's port threw.</param>
public sealed class AuditUnfinishedException(AuditSource source, Exception cause) : Exception(Explanation.Of(cause), cause)
{
    /// <summary>The source that could not be asked.</summary>
    public AuditSource UnansweredBy { get; } = source;

    /// <summary>The ledger gave no answer at all.</summary>
    internal static AuditUnfinishedException LedgerOutOfReach(IEnumerable<PayoutAudit> audits) => new(
        AuditSource.Ledger,
        new NotDoneException($"The ledger gives no answer: {audits.Last(audit => audit.Failure is not null).Failure}"));
}
