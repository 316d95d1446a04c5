using MediatR;
using Microsoft.Extensions.Logging;
using PayoutManager.Application.CancelPayout;
using PayoutManager.Application.ConfirmPayout;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>
/// Audits a payout, repairs what the rules say how to, and audits it again. Where the ledger has moved for good, the payout
/// follows; where the payout has, the ledger does.
/// </summary>
/// <param name="PayoutId">Which.</param>
/// <remarks>Answers the second audit. Throws as <see cref="AuditPayoutQuery"/> does.</remarks>
public sealed record RepairPayoutCommand(string PayoutId) : IRequest<PayoutAudit>;

internal sealed class RepairPayoutHandler(
    IMediator mediator,
    IPayoutStore payouts,
    IPayoutHistory history,
    ILedger ledger,
    ILogger<RepairPayoutHandler> logger) : IRequestHandler<RepairPayoutCommand, PayoutAudit>
{
    private const string CancelDetails = "The ledger had given the money back.";

    // Some repairs show what is left to be done: money that is committed has to be given back.
    private const int Rounds = 3;

    public async Task<PayoutAudit> Handle(RepairPayoutCommand command, CancellationToken cancellationToken)
    {
        var audit = await mediator.Send(new AuditPayoutQuery(command.PayoutId), cancellationToken);
        for (var round = 0; round < Rounds && audit.Disagreements.Any(d => d.Repair is not null); round++)
        {
            foreach (var repair in audit.Disagreements.Select(d => d.Repair).OfType<Repair>())
            {
                await RepairAsync(audit.PayoutId, repair, cancellationToken);
                AuditLog.Repaired(logger, audit.PayoutId.Value, repair.Action, repair.PlanId);
            }

            audit = await mediator.Send(new AuditPayoutQuery(command.PayoutId), cancellationToken);
        }

        return audit;
    }

    private async Task RepairAsync(PayoutId payoutId, Repair repair, CancellationToken cancellationToken)
    {
        switch (repair.Action)
        {
            case RepairAction.Commit when await ledger.FindPlanAsync(repair.PlanId, cancellationToken) is { } plan:
                await ledger.CommitAsync(plan, cancellationToken);
                break;
            case RepairAction.RollBack when await ledger.FindPlanAsync(repair.PlanId, cancellationToken) is { } plan:
                await ledger.RollbackAsync(plan, cancellationToken);
                break;
            case RepairAction.Revert when await payouts.FindAsync(payoutId, cancellationToken) is { } payout:
                await RevertAsync(payout, cancellationToken);
                break;
            case RepairAction.Confirm:
                await mediator.Send(new ConfirmPayoutCommand(payoutId.Value), cancellationToken);
                break;
            case RepairAction.Cancel:
                await mediator.Send(new CancelPayoutCommand(payoutId.Value, CancelDetails), cancellationToken);
                break;
            case RepairAction.SendAgain:
                await history.UnpublishAsync(payoutId, repair.FromSequenceId, cancellationToken);
                break;
        }
    }

    /// <summary>
    /// Commits the first revert that was not rolled back. Without an operation: the payout's state is final, and whoever
    /// else does the same at the same time does it with the same plan.
    /// </summary>
    private async Task RevertAsync(Payout payout, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var plan = payout.RevertPlan(attempt);
            var isNew = await ledger.FindPlanAsync(plan.Id, cancellationToken) is null;
            try
            {
                if (isNew)
                    await ledger.HoldAsync(plan, cancellationToken);
                await ledger.CommitAsync(plan, cancellationToken);
                return;
            }
            catch (LedgerRefusedException) when (!isNew)
            {
                // Rolled back by somebody, so this plan's name is spent.
            }
        }
    }
}
