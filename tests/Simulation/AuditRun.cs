using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Testing;

namespace PayoutManager.Simulation;

/// <summary>An operator's audit command: a process of its own, without recovery and relay. It looks or repairs once, and ends.</summary>
internal sealed class AuditRun(World world, string name, bool readsLedgerRecords)
    : SimulatedProcess(world, name, readsLedgerRecords)
{
    private static readonly Application.Operations.Actor Operator = new("olga", "simulated");

    private readonly World _world = world;
    private bool _isOver;

    public bool IsOver => _isOver || Actor.HasCrashed;

    /// <summary>What was found of all payouts that do not agree; null where the audit was not finished.</summary>
    public AuditReport? Report { get; private set; }

    /// <summary>Audits all payouts.</summary>
    public void LookAtAll(TimeSpan timeout) => Start("audits all payouts", timeout, async token =>
    {
        var report = await AuditReport.MakeAsync(Mediator, AuditPosition.At(_world.Scheduler.Clock.Start), token);
        foreach (var finding in report.Findings)
            Judge(finding);
        Report = report;
        return $"{report.Payouts} audited, of which to tell: {string.Join("; ", report.Findings.Select(Describe))}";
    });

    /// <summary>Audits a payout, as a dry run does.</summary>
    public void LookAt(string payoutId, TimeSpan timeout) => Start($"audits {payoutId}", timeout, async token =>
    {
        var found = await Mediator.Send(new AuditPayoutQuery(payoutId), token);
        Judge(found);
        return Describe(found);
    });

    /// <summary>Repairs a payout.</summary>
    public void Repair(string payoutId, TimeSpan timeout) => Start($"repairs {payoutId}", timeout, async token =>
    {
        var report = await Mediator.Send(new RepairPayoutCommand(payoutId, Operator), token);
        Judge(report.Before);
        if (report.After is { } after)
            Judge(after);
        return $"found {Describe(report.Before)}; done: {string.Join(", ", report.Done)}; "
            + $"failed: {report.Failure?.ToString() ?? "nothing"}; left {(report.After is { } left ? Describe(left) : "what nobody has seen")}";
    });

    private void Start(string what, TimeSpan timeout, Func<CancellationToken, Task<string>> run) => Actor.Start(async () =>
    {
        _world.Note(Actor.Name, what);
        using var time = new CancellationTokenSource(timeout, _world.Scheduler.Clock);
        try
        {
            _world.Note(Actor.Name, $"{what}: {await run(time.Token)}");
        }
        catch (Exception e) when (e is NotFoundException or AuditUnfinishedException || time.IsCancellationRequested)
        {
            _world.Note(Actor.Name, $"{what}: {e.GetType().Name}");
        }
        catch (Exception e)
        {
            _world.Break($"an operator was answered {e}");
        }

        _isOver = true;
    });

    /// <summary>Nothing of ours makes payout, ledger and topic disagree at any moment that an audit can see.</summary>
    private void Judge(PayoutAudit audit)
    {
        if (!_world.HistoryIsLost && audit.Disagreements.Count > 0)
            _world.Break($"an audit found {Describe(audit)}");
    }

    private static string Describe(PayoutAudit audit) => audit switch
    {
        { Agrees: true } => $"{audit.PayoutId} agrees",
        { IsUnderWay: true } => $"{audit.PayoutId} under way",
        _ => $"{audit.PayoutId}: {string.Join(", ", audit.Disagreements.Concat(audit.NotKnown).Select(d => d.Kind))}{audit.Failure}",
    };
}
