using System.Globalization;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Operations;

namespace PayoutManager.Host.Audit;

/// <summary>What the audit is asked to do.</summary>
internal sealed record AuditArguments
{
    public const string Usage =
        """
        Compares stored payouts with their events, the topic and the ledger, and names every disagreement.

          audit [--payout ID | --since INSTANT] [--repair --by NAME --reason TEXT] [--dry-run] [--json] [--timeout DURATION]

          --payout ID         one payout
          --since INSTANT     payouts that have changed since then, such as 2026-01-31T00:00:00Z; otherwise of the last 24 hours
          --repair            repairs what the rules say how to, then compares again
          --by NAME           who asks for the repair; required with --repair
          --reason TEXT       why; required with --repair
          --dry-run           says what a repair would do, and does none of it
          --json              the report as one JSON object; progress and log go to the error output either way
          --timeout DURATION  how long all of it may take, as hh:mm:ss; otherwise as long as it needs
          --help              this text

        It uses the configuration of the host. Its exit code:
          0    all agree
          1    some do not agree; the report may also name some that could not be compared
          2    called or configured wrongly, or there is no such payout
          3    not finished: the database cannot be read
          4    not finished: the ledger, or its database, gave no answer
          5    not finished: the topic cannot be read
          6    not finished: the time of --timeout was up
          7    none disagrees, and of some it cannot be known without moving money
          8    not finished: some are being changed and were not compared; none of the others disagrees
          70   not finished: something unexpected
          130  interrupted
        """;

    /// <summary>The only payout to look at; null for all that changed.</summary>
    public string? PayoutId { get; private init; }

    /// <summary>From when on; null for the last 24 h.</summary>
    public DateTimeOffset? Since { get; private init; }

    /// <summary>Who asks for a repair and why; null where nothing is to be repaired.</summary>
    public Actor? RepairFor { get; private init; }

    public bool IsDryRun { get; private init; }

    public bool IsJson { get; private init; }

    public bool IsHelp { get; private init; }

    /// <summary>How long all of it may take; infinite where nobody said.</summary>
    public TimeSpan Timeout { get; private init; } = System.Threading.Timeout.InfiniteTimeSpan;

    /// <summary>Reads the command line.</summary>
    /// <exception cref="AuditUsageException">It makes no sense; the message names the argument.</exception>
    public static AuditArguments Parse(IReadOnlyList<string> args)
    {
        var given = new Dictionary<string, string>();
        for (var i = 0; i < args.Count; i++)
        {
            var name = args[i];
            string value;
            switch (name)
            {
                case "--help" or "-h":
                    return new AuditArguments { IsHelp = true };
                case "--repair" or "--dry-run" or "--json":
                    value = "";
                    break;
                case "--payout" or "--since" or "--by" or "--reason" or "--timeout":
                    value = ++i < args.Count ? args[i] : throw new AuditUsageException($"{name} needs a value");
                    break;
                default:
                    throw new AuditUsageException($"'{name}' is not known");
            }

            if (!given.TryAdd(name, value))
                throw new AuditUsageException($"{name} is given twice");
        }

        if (given.ContainsKey("--payout") && given.ContainsKey("--since"))
            throw new AuditUsageException("--payout and --since exclude each other");
        return new AuditArguments
        {
            PayoutId = given.GetValueOrDefault("--payout"),
            Since = SinceOf(given),
            RepairFor = ActorOf(given),
            IsDryRun = given.ContainsKey("--dry-run"),
            IsJson = given.ContainsKey("--json"),
            Timeout = TimeoutOf(given),
        };
    }

    private static DateTimeOffset? SinceOf(Dictionary<string, string> given)
    {
        if (!given.TryGetValue("--since", out var text))
            return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var since)
            ? since
            : throw new AuditUsageException($"--since must be an instant such as 2026-01-31T00:00:00Z, is '{text}'");
    }

    private static TimeSpan TimeoutOf(Dictionary<string, string> given)
    {
        if (!given.TryGetValue("--timeout", out var text))
            return System.Threading.Timeout.InfiniteTimeSpan;
        // A number alone would be days.
        return text.Contains(':', StringComparison.Ordinal)
            && TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var timeout)
            && timeout > TimeSpan.Zero
            && timeout <= TimeSpan.FromDays(7)
            ? timeout
            : throw new AuditUsageException($"--timeout must be a duration hh:mm:ss of more than zero and at most 7 days, is '{text}'");
    }

    private static Actor? ActorOf(Dictionary<string, string> given)
    {
        var (name, reason) = (given.GetValueOrDefault("--by"), given.GetValueOrDefault("--reason"));
        if (!given.ContainsKey("--repair"))
        {
            return name is null && reason is null
                ? null
                : throw new AuditUsageException($"{(name is null ? "--reason" : "--by")} belongs to --repair");
        }

        // What is only told and not done needs nobody to answer for it.
        if (given.ContainsKey("--dry-run") && name is null && reason is null)
            return null;
        if (RepairPayoutCommand.NameFault(name) is { } nameFault)
            throw new AuditUsageException($"--by is required with --repair, and {nameFault}");
        if (RepairPayoutCommand.ReasonFault(reason) is { } reasonFault)
            throw new AuditUsageException($"--reason is required with --repair, and {reasonFault}");
        return new Actor(name!, reason);
    }
}

/// <summary>The command line makes no sense.</summary>
internal sealed class AuditUsageException(string message) : Exception(message);
