using System.Globalization;

namespace PayoutManager.Host.Audit;

/// <summary>What the audit is asked to do.</summary>
/// <param name="PayoutId">The only payout to look at; null for all that changed.</param>
/// <param name="Since">From when on; null for the last 24 h.</param>
/// <param name="Repair">Whether to repair what can be.</param>
internal sealed record AuditArguments(string? PayoutId, DateTimeOffset? Since, bool Repair)
{
    public const string Usage =
        """
        Compares stored payouts with the ledger and the topic, and names every disagreement.
          audit                    payouts that changed in the last 24 hours
          audit --since INSTANT    payouts that changed since then, as 2026-01-31T00:00:00Z
          audit --payout ID        one payout; also one that does not exist and must not have left anything
          audit … --repair         repairs what the rules say how to, then compares again
        It uses the configuration of the host. It ends with 0 if all agree, 1 if some do not, 2 if it was called or
        configured wrongly, 3 if it could not be finished.
        """;

    /// <summary>Reads the command line.</summary>
    /// <returns>Null if it makes no sense.</returns>
    public static AuditArguments? Parse(ReadOnlySpan<string> args)
    {
        var parsed = new AuditArguments(null, null, false);
        while (args.Length > 0)
        {
            switch (args)
            {
                case ["--repair", ..]:
                    parsed = parsed with { Repair = true };
                    args = args[1..];
                    break;
                case ["--payout", var id, ..] when parsed.PayoutId is null:
                    parsed = parsed with { PayoutId = id };
                    args = args[2..];
                    break;
                case ["--since", var text, ..] when parsed.Since is null
                    && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var since):
                    parsed = parsed with { Since = since };
                    args = args[2..];
                    break;
                default:
                    return null;
            }
        }

        return parsed is { PayoutId: not null, Since: not null } ? null : parsed;
    }
}
