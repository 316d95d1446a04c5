using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using PayoutManager.Application.Audit;

namespace PayoutManager.Host.Audit;

/// <summary>The report for programs. Its names stay as they are; new ones may be added.</summary>
internal static class AuditJson
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter() },
    };

    public static string Write(AuditRun run, AuditExit exit, string? error) => JsonSerializer.Serialize(
        new Report(
            run.IsFinished,
            exit,
            (int)exit,
            error,
            run.Arguments.IsDryRun,
            run.Payouts,
            run.Counts.UnderWay,
            run.Counts.Disagreeing,
            run.Counts.NotKnown,
            run.Counts.NotAnswered,
            run.NotListed,
            run.Counts.RepairsDone,
            run.Counts.RepairsFailed,
            run.Counts.RepairsUnknown,
            [.. run.Listed.Select(payout => ToPayout(payout.Found, payout.Repair, run.Arguments))]),
        Options);

    private static Payout ToPayout(PayoutAudit audit, RepairReport? repair, AuditArguments arguments) => new(
        audit.PayoutId.Value,
        ToFindings(audit),
        repair is null
            ? null
            : new Repaired(
                arguments.RepairFor!.Name,
                arguments.RepairFor.Reason!,
                [.. repair.Done.Select(ToStep)],
                repair.Failure?.ToString(),
                repair.Failure is { } failure ? ToFailedStep(failure) : null,
                repair.After is { } after ? ToFindings(after) : null));

    private static Findings ToFindings(PayoutAudit audit) => new(
        audit.Ledger,
        audit.Failure,
        [.. audit.Disagreements.Select(ToFinding)],
        [.. audit.NotKnown.Select(ToFinding)],
        audit.IsUnderWay);

    private static Finding ToFinding(Disagreement disagreement) =>
        new(disagreement.Kind, disagreement.Description, [.. disagreement.Repairs.Select(ToStep)]);

    private static Step ToStep(Repair repair) => new(
        repair.Action,
        $"{repair}",
        repair.PlanId is { Length: > 0 } planId ? planId : null,
        repair.Action == RepairAction.SendAgain ? repair.FromSequenceId : null);

    private static FailedStep ToFailedStep(FailedRepair failure)
    {
        var step = ToStep(failure.Repair);
        return new FailedStep(
            step.Action, step.Description, step.PlanId, step.FromSequenceId, failure.MayBeDone ? Outcome.Unknown : Outcome.NotDone, failure.Reason);
    }

    private enum Outcome
    {
        NotDone,
        Unknown,
    }

    private sealed record Report(
        bool Finished,
        AuditExit Result,
        int ExitCode,
        string? Error,
        bool DryRun,
        long PayoutCount,
        long UnderWay,
        long Disagreeing,
        long NotKnown,
        long NotAnswered,
        long NotListed,
        long RepairsDone,
        long RepairsNotDone,
        long RepairsUnknown,
        IReadOnlyList<Payout> Payouts);

    private sealed record Payout(string PayoutId, Findings Found, Repaired? Repair);

    private sealed record Findings(
        LedgerLook Ledger,
        string? Failure,
        IReadOnlyList<Finding> Disagreements,
        IReadOnlyList<Finding> NotKnown,
        bool UnderWay);

    private sealed record Finding(DisagreementKind Kind, string Description, IReadOnlyList<Step> Repairs);

    private sealed record Step(RepairAction Action, string Description, string? PlanId, int? FromSequenceId);

    private sealed record FailedStep(
        RepairAction Action, string Description, string? PlanId, int? FromSequenceId, Outcome Outcome, string Reason);

    private sealed record Repaired(
        string By, string Reason, IReadOnlyList<Step> Done, string? Failure, FailedStep? Failed, Findings? After);
}
