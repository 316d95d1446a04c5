using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>
/// Asks the ledger by calls whether it agrees with a payout. The ledger tells no plan's state, so a call is made that changes nothing
/// where it agrees, and whose refusal says that it does not.
/// </summary>
/// <remarks>
/// Only for payouts of which row, events and topic say the same; see <see cref="Evidence"/>. A question that can move money, which
/// is CommitPlan and RollbackPlan, is only asked where an event shows what the row says. Otherwise the answer is NoWitness.
/// <code>
/// | payout is                     | calls, each after the one before was refused twice | answers                                  |
/// |-------------------------------|----------------------------------------------------|------------------------------------------|
/// | unpaid, paid                  | Hold                                               | ok: agrees. Refused: PlanNotHeld         |
/// | confirmed                     | Hold, CommitPlan                                   | Hold ok: LedgerBehind. Commit ok: agrees |
/// |                               |                                                    | Both refused: PlanNotCommitted           |
/// | cancelled, was confirmed      | Hold, CommitPlan, RollbackPlan                     | Hold ok: LedgerBehind. Commit ok: RevertUnknown. Rollback ok: agrees. All refused: PlanNotCommitted |
/// | cancelled otherwise           | RollbackPlan, if an event shows it                 | ok: agrees. Refused: PlanNotRolledBack; RevertUnknown where nobody knows whether it was confirmed |
/// | on a later attempt            | none                                               | AttemptUnknown                           |
/// </code>
/// What these calls can change where the ledger disagrees: a hold of a plan that the ledger has lost holds it again, and a rollback gives
/// a cancelled payout's held money back. A commit is made only after a hold was refused twice, so that it finds no plan held. A revert
/// is never asked for: holding one that is not there would make it, and committing one that is held would move its money.
/// </remarks>
internal sealed class LedgerQuestions(PlanMoves moves, ILedger ledger, AuditOptions options, TimeProvider clock)
{
    // Enough to keep the ledger busy, too few to be in the way of payouts.
    private const int AtOnce = 8;

    /// <summary>
    /// Asks for many payouts. Once a group of them gets no answer, and the ledger does not answer at all, the others are not asked for. A few that
    /// it never answers for keep nobody from going on.
    /// </summary>
    public async Task<IReadOnlyList<LedgerFinding>> AskAsync(IReadOnlyList<Evidence> payouts, CancellationToken cancellationToken)
    {
        var findings = new List<LedgerFinding>();
        foreach (var few in payouts.Chunk(AtOnce))
        {
            var found = await Task.WhenAll(few.Select(evidence => AskAsync(evidence, cancellationToken)));
            if (!found.All(f => f.IsOutOfReach) || await AnswersAsync(cancellationToken))
            {
                findings.AddRange(found.Select(f => f with { IsOutOfReach = false }));
                continue;
            }

            findings.AddRange(found);
            findings.AddRange(Enumerable.Repeat(found[0], payouts.Count - findings.Count));
            break;
        }

        return findings;
    }

    /// <summary>Whether the ledger answers at all.</summary>
    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(options.LedgerPatience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        var answers = await ledger.AnswersAsync(either.Token);
        cancellationToken.ThrowIfCancellationRequested();
        return answers;
    }

    private async Task<LedgerFinding> AskAsync(Evidence evidence, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(options.LedgerPatience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            return await JudgeAsync(evidence, evidence.Payout!, either.Token);
        }
        catch (Exception e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new LedgerFinding(
                LedgerLook.NoAnswer,
                [],
                [],
                Explanation.Of(e),
                IsOutOfReach: e is NotDoneException or OutcomeUnknownException or OperationCanceledException);
        }
    }

    private async Task<LedgerFinding> JudgeAsync(Evidence evidence, Payout payout, CancellationToken cancellationToken)
    {
        if (payout.Status.State == PayoutState.Failed)
            return LedgerFinding.Failed;
        if (payout.HoldAttempt > 1)
            return LaterAttempt(payout);

        var plan = payout.HoldPlan;
        if (payout.Status.State == PayoutState.Cancelled && evidence.WasConfirmed != true)
        {
            return evidence.HasWitness
                ? await JudgeCancelledAsync(evidence, plan, cancellationToken)
                : NoWitness(LedgerLook.NotAsked, $"The payout is cancelled. {LedgerRules.NoWitness} The ledger was not asked.");
        }

        if (await IsDoneAsync(moves.HoldAgainAsync(plan, cancellationToken)))
            return payout.Status.State is PayoutState.Unpaid or PayoutState.Paid ? Agrees : Behind(evidence, payout, plan);
        if (payout.Status.State is PayoutState.Unpaid or PayoutState.Paid)
            return Disagrees(new(DisagreementKind.PlanNotHeld, $"The payout is {payout.Status}, and the ledger refuses to hold plan {plan.Id}: it is committed, rolled back, gone, or has other postings. The calls cannot tell which; the ledger's database can."));
        if (!evidence.HasWitness)
            return NoWitness(LedgerLook.Calls, $"The payout is {payout.Status}, and the ledger refuses to hold plan {plan.Id}. {LedgerRules.NoWitness} Nothing more was asked.");
        if (await IsDoneAsync(moves.CommitAsync(null, plan, cancellationToken)))
            return payout.Status.State == PayoutState.Confirmed ? Agrees : RevertUnknown(payout, plan);
        // Rolled back after all, which leaves a cancelled payout nothing to revert.
        if (payout.Status.State == PayoutState.Cancelled && await IsDoneAsync(moves.RollbackAsync(null, plan, cancellationToken)))
            return Agrees;
        return Disagrees(new(DisagreementKind.PlanNotCommitted, $"The payout {(payout.Status.State == PayoutState.Confirmed ? "is" : "was")} confirmed, and the ledger refuses to hold and to commit plan {plan.Id}: it is rolled back, gone, or has other postings."));
    }

    private async Task<LedgerFinding> JudgeCancelledAsync(Evidence evidence, LedgerPlan plan, CancellationToken cancellationToken)
    {
        if (await IsDoneAsync(moves.RollbackAsync(null, plan, cancellationToken)))
            return Agrees;
        return evidence.WasConfirmed is null
            ? NotKnown(new(DisagreementKind.RevertUnknown, $"The payout is cancelled, and plan {plan.Id} is not rolled back. Its events before that are a predecessor's: if it was confirmed, its money has to be given back by another plan, of which the calls tell nothing."))
            : Disagrees(new(DisagreementKind.PlanNotRolledBack, $"The payout is cancelled and was never confirmed, and the ledger refuses to roll back plan {plan.Id}: it is committed, gone, or has other postings."));
    }

    private static LedgerFinding Behind(Evidence evidence, Payout payout, LedgerPlan plan)
    {
        var description = $"The payout {(payout.Status.State == PayoutState.Confirmed ? "is" : "was")} confirmed, and plan {plan.Id} is held.";
        if (!evidence.HasWitness)
            return Disagrees(new(DisagreementKind.LedgerBehind, $"{description} {LedgerRules.NoWitness}"));
        var commit = new Repair(RepairAction.Commit, plan.Id, payout.HoldAttempt);
        return Disagrees(payout.Status.State == PayoutState.Confirmed
            ? new(DisagreementKind.LedgerBehind, description, commit)
            : new(DisagreementKind.LedgerBehind, description, commit, Revert(payout)));
    }

    private static LedgerFinding RevertUnknown(Payout payout, LedgerPlan plan) => NotKnown(new(
        DisagreementKind.RevertUnknown,
        $"The payout was cancelled after it was confirmed, plan {plan.Id} is committed, and whether its money was given back cannot be asked without giving it back.",
        Revert(payout)));

    private static Repair Revert(Payout payout) => new(RepairAction.Revert, LedgerPlan.RevertId(payout.Id, 1), Attempt: 1);

    private static LedgerFinding Agrees { get; } = new(LedgerLook.Calls, [], []);

    private static LedgerFinding Disagrees(Disagreement disagreement) => new(LedgerLook.Calls, [disagreement], []);

    /// <summary>
    /// No event shows the attempt. If the row's attempt is wrong, or the ledger has lost the plan of an earlier one, a hold would succeed
    /// and hold money a second time.
    /// </summary>
    private static LedgerFinding LaterAttempt(Payout payout) => new(
        LedgerLook.NotAsked,
        [],
        [new(DisagreementKind.AttemptUnknown, $"The payout's row stands on attempt {payout.HoldAttempt}, and asking for its plans by calls could hold money twice; the ledger's database can tell. The ledger was not asked.")]);

    private static LedgerFinding NoWitness(LedgerLook look, string description) =>
        new(look, [], [new(DisagreementKind.NoWitness, description)]);

    private static LedgerFinding NotKnown(Disagreement unknown) => new(LedgerLook.Calls, [], [unknown]);

    private static async Task<bool> IsDoneAsync(Task<PlanAnswer> call) => (await call).Verdict == PlanVerdict.Done;
}
