using FluentValidation;
using MediatR;
using Microsoft.Extensions.Logging;
using PayoutManager.Application.CancelPayout;
using PayoutManager.Application.ConfirmPayout;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Pipeline;
using PayoutManager.Application.Ports;
using PayoutManager.Domain;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>
/// Audits a payout, repairs what the rules say how to, and audits it again. Money is moved only where row, events and topic agree.
/// </summary>
/// <param name="PayoutId">The payout, also one of a predecessor whose id breaks today's rules.</param>
/// <param name="Actor">
/// Who asks for it, and why; the reason is required. A repair that confirms or cancels stores both with its event; every repair is logged
/// with them.
/// </param>
/// <remarks>
/// Each repair has <see cref="AuditOptions.RepairTimeLimit"/>. That one failed is told by the answer, and so is what ended the work once
/// repairs had begun. Before that it throws as <see cref="AuditPayoutQuery"/> does, and <see cref="InvalidRequestException"/> where name
/// or reason are missing or too long.
/// </remarks>
public sealed record RepairPayoutCommand(string PayoutId, Actor Actor) : IRequest<RepairReport>
{
    private const int MaxNameLength = 512;
    private const int MaxReasonLength = 1024;

    /// <summary>What is wrong with the name of whoever asks, or null if nothing is.</summary>
    public static string? NameFault(string? name) => Fault(name, MaxNameLength);

    /// <summary>What is wrong with the reason, or null if nothing is.</summary>
    public static string? ReasonFault(string? reason) => Fault(reason, MaxReasonLength);

    private static string? Fault(string? text, int most) =>
        string.IsNullOrWhiteSpace(text) || text.Length > most || text.Any(char.IsControl) || !Identifier.IsStorable(text)
            ? $"must be 1 to {most} characters without control characters"
            : null;
}

/// <summary>What came of a repair.</summary>
/// <param name="Before">What was to be repaired.</param>
/// <param name="Done">What was done, in order.</param>
/// <param name="Failure">The repair that failed, after which none was begun; null where none did.</param>
/// <param name="After">What is left; null where that could not be looked at.</param>
public sealed record RepairReport(PayoutAudit Before, IReadOnlyList<Repair> Done, FailedRepair? Failure, PayoutAudit? After)
{
    /// <summary>What ended the work, so that the next payout cannot be repaired either; null where it came to its end.</summary>
    public Exception? BrokenOffBy { get; init; }
}

/// <summary>A repair that was not done, or of which that is not known.</summary>
/// <param name="Repair">Which.</param>
/// <param name="MayBeDone">Whether it may have had its effect, or may have it yet. Otherwise it had none.</param>
/// <param name="Reason">Why.</param>
public sealed record FailedRepair(Repair Repair, bool MayBeDone, string Reason)
{
    /// <summary>The repair and why it failed.</summary>
    public override string ToString() => $"{Repair}: {Reason}";
}

internal sealed class RepairPayoutValidator : AbstractValidator<RepairPayoutCommand>
{
    public RepairPayoutValidator()
    {
        RuleFor(c => c.Actor.Name).Satisfies("name", RepairPayoutCommand.NameFault);
        RuleFor(c => c.Actor.Reason).Satisfies("reason", RepairPayoutCommand.ReasonFault);
    }
}

internal sealed class RepairPayoutHandler(
    IMediator mediator,
    IPayoutStore payouts,
    IPayoutHistory history,
    IAuditFindings findings,
    PlanMoves moves,
    LedgerQuestions questions,
    AuditOptions options,
    TimeProvider clock,
    ILogger<RepairPayoutHandler> logger,
    ILedgerRecords? records = null) : IRequestHandler<RepairPayoutCommand, RepairReport>
{
    private const string CancelDetails = "The ledger had given the money back.";

    public async Task<RepairReport> Handle(RepairPayoutCommand command, CancellationToken cancellationToken)
    {
        var before = await mediator.Send(new AuditPayoutQuery(command.PayoutId), cancellationToken);
        var done = new List<Repair>();
        FailedRepair? failure = null;
        foreach (var repair in before.Repairs)
        {
            if (cancellationToken.IsCancellationRequested)
                break;
            failure = await TryAsync(before.PayoutId, repair, command.Actor, cancellationToken);
            if (failure is not null)
                break;
            done.Add(repair);
        }

        var hasChanged = done.Count > 0 || failure is { MayBeDone: true };
        var report = new RepairReport(before, done, failure, hasChanged ? null : before);
        // Whatever happens from here on: what was done is told.
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (failure is not null && !await questions.AnswersAsync(cancellationToken))
                throw new AuditUnfinishedException(AuditSource.Ledger, new NotDoneException($"The ledger gives no answer: {failure.Reason}"));
            return hasChanged ? report with { After = await LookAgainAsync(command.PayoutId, done, cancellationToken) } : report;
        }
        catch (Exception e)
        {
            return report with { BrokenOffBy = e };
        }
    }

    private async Task<PayoutAudit> LookAgainAsync(string payoutId, List<Repair> done, CancellationToken cancellationToken)
    {
        var after = await mediator.Send(new AuditPayoutQuery(payoutId), cancellationToken);
        // Its commit was answered with success, which a look without moving anything cannot see.
        if (done.Any(repair => repair.Action == RepairAction.Revert))
            after = after with { NotKnown = [.. after.NotKnown.Where(d => d.Kind != DisagreementKind.RevertUnknown)] };
        if (after is { IsUnderWay: false, Failure: null, Disagreements.Count: 0 })
            await ForgetAsync(after.PayoutId, cancellationToken);
        return after;
    }

    private async Task ForgetAsync(PayoutId payoutId, CancellationToken cancellationToken)
    {
        try
        {
            await findings.RemoveAsync([payoutId], cancellationToken);
        }
        catch (Exception e) when (e is NotDoneException or OutcomeUnknownException)
        {
            // The watch forgets it with its next look.
        }
    }

    /// <returns>Null where it is done.</returns>
    private async Task<FailedRepair?> TryAsync(PayoutId payoutId, Repair repair, Actor actor, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.RepairTimeLimit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var calls = new Calls();
        try
        {
            await RepairAsync(payoutId, repair, actor, calls, either.Token);
            AuditLog.Repaired(logger, payoutId.Value, $"{repair}", actor.Name, actor.Reason);
            return null;
        }
        catch (Exception e)
        {
            var failure = new FailedRepair(repair, MayBeDone(e, calls), Explanation.Of(e));
            if (failure.MayBeDone)
                AuditLog.RepairUnknown(logger, payoutId.Value, $"{repair}", actor.Name, actor.Reason, failure.Reason, Explanation.StackOf(e));
            else
                AuditLog.NotRepaired(logger, payoutId.Value, $"{repair}", actor.Name, actor.Reason, failure.Reason, Explanation.StackOf(e));
            return failure;
        }
    }

    /// <summary>What proves that a repair had no effect is a closed list.</summary>
    private static bool MayBeDone(Exception e, Calls calls) => e switch
    {
        NotDoneException => calls.MayHaveActed,
        LedgerRefusedException refusal => refusal.EarlierTryMayBeDone,
        PayoutRefusedException or InvalidPayoutStateException => false,
        _ => true,
    };

    private async Task RepairAsync(PayoutId payoutId, Repair repair, Actor actor, Calls calls, CancellationToken cancellationToken)
    {
        switch (repair.Action)
        {
            case RepairAction.Commit:
                Require(await moves.CommitAsync(calls, (await FindAsync(payoutId, cancellationToken)).HoldPlan, cancellationToken));
                break;
            case RepairAction.RollBack:
                Require(await moves.RollbackAsync(calls, await FindRecordedAsync(repair.PlanId, cancellationToken), cancellationToken));
                break;
            case RepairAction.Revert:
                await RevertAsync(await FindAsync(payoutId, cancellationToken), repair.Attempt, calls, cancellationToken);
                break;
            case RepairAction.Confirm:
                await mediator.Send(new ConfirmPayoutCommand(payoutId.Value, actor), cancellationToken);
                break;
            case RepairAction.Cancel:
                await mediator.Send(new CancelPayoutCommand(payoutId.Value, CancelDetails, actor), cancellationToken);
                break;
            case RepairAction.SendAgain:
                await history.SendAgainAsync(payoutId, repair.FromSequenceId, cancellationToken);
                break;
        }
    }

    /// <summary>
    /// Commits the first revert that is held, or else holds and commits the first that the ledger does not know. Does nothing where one
    /// is committed already. Later attempts are tried before a new hold, because a ledger that was restored may know a later one and
    /// not an earlier one; a commit without a hold moves nothing unless the plan is held. Needs no operation: the payout's state is
    /// final, and whoever else does the same at the same time does it with the same plan.
    /// </summary>
    private async Task RevertAsync(Payout payout, int first, Calls calls, CancellationToken cancellationToken)
    {
        int? unknown = null;
        for (var attempt = first; attempt <= (unknown ?? first) + PlanMoves.MaxReverts; attempt++)
        {
            var plan = payout.RevertPlan(attempt);
            if ((await moves.CommitAsync(calls, plan, cancellationToken)).Verdict == PlanVerdict.Done)
                return;
            if (unknown is null && (await moves.RollbackAsync(calls, plan, cancellationToken)).Verdict != PlanVerdict.Done)
                unknown = attempt;
        }

        Require(await moves.RevertAsync(calls, payout.RevertPlan(unknown ?? first), cancellationToken));
    }

    private async Task<Payout> FindAsync(PayoutId payoutId, CancellationToken cancellationToken) =>
        await payouts.FindAsync(payoutId, cancellationToken) ?? throw NotFoundException.Payout(payoutId.Value);

    /// <summary>A plan that only the ledger's database has shown, with its postings, which need not be the payout's.</summary>
    private async Task<LedgerPlan> FindRecordedAsync(string planId, CancellationToken cancellationToken) =>
        records is not null
        && (await records.ReadAsync([planId], cancellationToken)).GetValueOrDefault(planId) is { State: RecordedState.Held } recorded
            ? LedgerPlan.Restore(planId, recorded.Postings)
            : throw new NotDoneException($"Plan {planId} is not held any more.");

    private static void Require(PlanAnswer answer)
    {
        if (answer.Verdict != PlanVerdict.Done)
            throw answer.Refusal ?? new LedgerRefusedException("(none)", "its money was not given back");
    }

    /// <summary>The ledger calls of one repair.</summary>
    private sealed class Calls : ILedgerCaller
    {
        public bool MayHaveActed { get; set; }
    }
}
