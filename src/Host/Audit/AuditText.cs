using PayoutManager.Application.Audit;

namespace PayoutManager.Host.Audit;

/// <summary>The report for people.</summary>
internal static class AuditText
{
    public static void Write(TextWriter writer, AuditRun run)
    {
        foreach (var (found, repair) in run.Listed)
        {
            writer.WriteLine($"payout {found.PayoutId}");
            WriteFindings(writer, found);
            if (repair is not null)
                WriteRepair(writer, repair);
            else if (run.Arguments.IsDryRun)
                WriteDryRun(writer, found);
        }

        if (run.NotListed > 0)
            writer.WriteLine($"{run.NotListed} more {(run.NotListed == 1 ? "is" : "are")} not listed");
        if (run.Counts is { RepairsDone: > 0 } or { RepairsFailed: > 0 } or { RepairsUnknown: > 0 })
            writer.WriteLine($"repairs: {run.Counts.RepairsDone} done, {run.Counts.RepairsFailed} not done, {run.Counts.RepairsUnknown} not known whether done");
        writer.WriteLine(Conclude(run));
    }

    /// <summary>So many payouts.</summary>
    public static string Payouts(long count) => count == 1 ? "1 payout" : $"{count} payouts";

    /// <summary>So many that do not agree.</summary>
    public static string Disagree(long count) => count == 1 ? "1 does not agree" : $"{count} do not agree";

    /// <summary>So many that were not compared.</summary>
    public static string UnderWay(long count) =>
        count == 1 ? "1 is being changed and was not compared" : $"{count} are being changed and were not compared";

    private static void WriteFindings(TextWriter writer, PayoutAudit audit)
    {
        if (audit.IsUnderWay)
            writer.WriteLine("  It is being changed and was not compared.");
        foreach (var disagreement in audit.Disagreements)
            writer.WriteLine($"  {disagreement.Kind}: {disagreement.Description}");
        foreach (var unknown in audit.NotKnown)
            writer.WriteLine($"  not known, {unknown.Kind}: {unknown.Description}");
        if (audit is { Ledger: LedgerLook.NotAsked, Disagreements.Count: > 0 })
            writer.WriteLine("  The ledger was not asked, because row, events and topic disagree.");
        if (audit.Failure is not null)
            writer.WriteLine($"  The ledger could not be asked: {audit.Failure}");
    }

    private static void WriteDryRun(TextWriter writer, PayoutAudit audit)
    {
        foreach (var repair in audit.Repairs)
            writer.WriteLine($"  would {repair}");
        if (!audit.Repairs.Any())
            writer.WriteLine("  would repair nothing");
    }

    private static void WriteRepair(TextWriter writer, RepairReport repair)
    {
        foreach (var done in repair.Done)
            writer.WriteLine($"  done: {done}");
        if (repair.Failure is { } failure)
            writer.WriteLine($"  {(failure.MayBeDone ? "not known whether done" : "not done")}: {failure}");
        if (repair.After is not { } after)
        {
            writer.WriteLine("  after the repair it was not compared");
            return;
        }

        if (after == repair.Before)
            return;
        writer.WriteLine(after.IsWorthTelling ? "  after the repair:" : "  after the repair it agrees");
        WriteFindings(writer, after);
    }

    private static string Conclude(AuditRun run)
    {
        var counts = run.Counts;
        List<string> parts = [];
        if (counts.UnderWay > 0)
            AddIf(run.Payouts - counts.WorthTelling, count => count == 1 ? "1 agrees" : $"{count} agree");
        AddIf(counts.UnderWay, UnderWay);
        AddIf(counts.Disagreeing, Disagree);
        AddIf(counts.NotAnswered, count => $"{count} could not be compared with the ledger");
        AddIf(counts.OnlyNotKnown, count => $"{count} cannot be known");
        if (counts.WorthTelling == 0)
            parts.Add(run.IsFinished ? "all agree" : "none disagrees so far");
        return $"{Payouts(run.Payouts)} looked at{(run.IsFinished ? "" : ", not finished")}: {string.Join(", ", parts)}.";

        void AddIf(long count, Func<long, string> inWords)
        {
            if (count > 0)
                parts.Add(inWords(count));
        }
    }
}
