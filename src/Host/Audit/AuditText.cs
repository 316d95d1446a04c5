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
            writer.WriteLine($"{run.NotListed} more are not listed");
        writer.WriteLine(Conclude(run));
    }

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
        if (repair.Failure is not null)
            writer.WriteLine($"  not done: {repair.Failure}");
        if (repair.Done.Count == 0)
            return;
        writer.WriteLine(repair.After.IsWorthTelling ? "  after the repair:" : "  after the repair it agrees");
        WriteFindings(writer, repair.After);
    }

    private static string Conclude(AuditRun run)
    {
        var counts = run.Counts;
        List<string> parts = [];
        if (counts.UnderWay > 0)
            Add(run.Payouts - counts.WorthTelling, "agree");
        Add(counts.UnderWay, "are being changed and were not compared");
        Add(counts.Disagreeing, "do not agree");
        Add(counts.NotAnswered, "could not be compared with the ledger");
        Add(counts.OnlyNotKnown, "cannot be known");
        if (counts.WorthTelling == 0)
            parts.Add(run.IsFinished ? "all agree" : "none disagrees so far");
        return $"{run.Payouts} payouts looked at{(run.IsFinished ? "" : ", not finished")}: {string.Join(", ", parts)}.";

        void Add(long count, string what)
        {
            if (count > 0)
                parts.Add($"{count} {what}");
        }
    }
}
