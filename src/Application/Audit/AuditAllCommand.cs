using MediatR;
using PayoutManager.Application.Ports;

namespace PayoutManager.Application.Audit;

/// <summary>
/// Audits all payouts that there are, also those of a predecessor that have no event. How far it has come is stored, so that it can go on
/// where it was broken off.
/// </summary>
/// <param name="IsResumed">Whether to go on where the last one was broken off, if it was.</param>
/// <param name="OnPage">Is given each page once it is audited, and before it counts as done.</param>
/// <remarks>
/// Throws as <see cref="AuditStretchQuery"/> does, and <see cref="AuditUnderWayException"/> where another is auditing all payouts.
/// </remarks>
public sealed record AuditAllCommand(bool IsResumed, Func<AuditedPage, CancellationToken, Task> OnPage) : IRequest<AuditedStretch>;

/// <summary>Somebody else is auditing all payouts.</summary>
public sealed class AuditUnderWayException() : Exception("Another audit of all payouts is under way.");

internal sealed class AuditAllHandler(IMediator mediator, IAuditProgress progress, AuditOptions options, TimeProvider clock)
    : IRequestHandler<AuditAllCommand, AuditedStretch>
{
    public async Task<AuditedStretch> Handle(AuditAllCommand command, CancellationToken cancellationToken)
    {
        var audit = new LeasedAudit(progress, AuditScope.All, options, clock);
        AuditedStretch? stretch = null;
        if (!await audit.TryRunAsync(RunAsync, cancellationToken))
            throw new AuditUnderWayException();
        return stretch!;

        async Task RunAsync(CancellationToken token)
        {
            if (!command.IsResumed)
                await audit.AdvanceAsync(AuditPosition.Beginning, token);
            do
            {
                stretch = await mediator.Send(new AuditStretchQuery(audit.Position, AuditScope.All) { OnPage = TakeAsync }, token);
            }
            while (stretch is { IsAtEnd: false, LedgerIsOutOfReach: false });

            // The next one begins anew.
            if (stretch.IsAtEnd)
                await audit.AdvanceAsync(AuditPosition.Beginning, token);
        }

        async Task TakeAsync(AuditedPage page, CancellationToken token)
        {
            await command.OnPage(page, token);
            if (!page.LedgerIsOutOfReach)
                await audit.AdvanceAsync(page.UpTo, token);
        }
    }
}
