using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Operations;
using PayoutManager.Host.Audit;

namespace PayoutManager.Host.Commands;

/// <summary>Compares payouts with events, topic and ledger.</summary>
internal sealed class AuditCommand : Verb
{
    private readonly Option<string?> _payout = new("--payout") { HelpName = "ID", Description = "One payout" };

    private readonly Option<DateTimeOffset?> _since = new("--since")
    {
        HelpName = "INSTANT",
        Description = "Payouts that have changed since then, such as 2026-01-31T00:00:00Z; otherwise of the last 24 hours",
        CustomParser = ParseSince,
    };

    private readonly Option<bool> _all = Flag("--all", "All payouts, also those that a predecessor has left");
    private readonly Option<bool> _resume = Flag("--resume", "With --all: goes on where the last one was broken off");

    private readonly Option<bool> _repair = Flag("--repair", "Repairs what the rules say how to, then compares again");
    private readonly Option<string?> _by = new("--by") { HelpName = "NAME", Description = "Who asks for the repair; required with --repair" };
    private readonly Option<string?> _reason = new("--reason") { HelpName = "TEXT", Description = "Why; required with --repair" };
    private readonly Option<bool> _dryRun = Flag("--dry-run", "Says what a repair would do, and does none of it");

    private readonly Option<bool> _json = Flag(
        "--json", "The report as one JSON object; the log goes to the error output, and no progress is told");

    private readonly Option<TimeSpan?> _timeout = new("--timeout")
    {
        HelpName = "DURATION",
        Description = "How long all of it may take, as hh:mm:ss; otherwise as long as it needs",
        CustomParser = ParseTimeout,
    };

    private readonly SettingsArgument _settings = new();

    public AuditCommand()
        : base("audit", "Compares stored payouts with their events, the topic and the ledger, and names every disagreement.")
    {
        foreach (var option in (Option[])[_payout, _since, _all, _resume, _repair, _by, _reason, _dryRun, _json, _timeout])
        {
            option.Validators.Add(result =>
            {
                if (result is { Implicit: false, IdentifierTokenCount: > 1 })
                    result.AddError($"{option.Name} is given twice");
            });
            Add(option);
        }

        Add(_settings);
        SetAction(async (parsed, _) =>
        {
            var (output, error) = (parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            return (int)await new AuditTask(output, error, parsed.GetValue(_settings)!).RunAsync(ArgumentsOf(parsed));
        });
    }

    public override IReadOnlyList<Exit> Exits { get; } =
    [
        new(ExitCode.Success, "all agree"),
        new(ExitCode.Disagreement, "some do not agree; the report may also name some that could not be compared"),
        new(ExitCode.WronglyCalled, "called or configured wrongly, there is no such payout, or another audit of all is under way"),
        new(ExitCode.DatabaseUnusable, "not finished: the database cannot be read"),
        new(ExitCode.LedgerNotAnswered, "not finished: the ledger, or its database, gave no answer"),
        new(ExitCode.TopicNotRead, "not finished: the topic cannot be read"),
        new(ExitCode.TimeIsUp, "not finished: the time of --timeout was up"),
        new(ExitCode.SomeNotKnown, "none disagrees, and of some it cannot be known without moving money"),
        new(ExitCode.SomeUnderWay, "not finished: some are being changed and were not compared; none of the others disagrees"),
        new(ExitCode.RepairFailed, "a repair failed and had no effect, whatever else there is to say"),
        new(ExitCode.RepairUnknown, "it is not known whether a repair was done, whatever else there is to say. To repeat it does no harm"),
        new(ExitCode.Failed, "not finished: something unexpected"),
        new(ExitCode.Interrupted, "interrupted by SIGINT or SIGTERM"),
    ];

    public override string Notes =>
        """
        Configuration:
          That of the service: environment variables, appsettings.json beside the program, and settings. Nothing is embedded.
        """;

    public override string Examples =>
        """
        PayoutManager.Host audit --since 2026-01-31T00:00:00Z --json
        PayoutManager.Host audit --all --resume
        PayoutManager.Host audit --payout payout-7 --dry-run
        PayoutManager.Host audit --payout payout-7 --repair --by olga --reason 'ticket 7'
        """;

    public override IEnumerable<string> Check(CommandResult command)
    {
        if (((Option[])[_payout, _since, _all]).Where(IsGiven).Select(option => option.Name).ToList() is { Count: > 1 } scopes)
            yield return $"{string.Join(" and ", scopes)} exclude each other";
        if (IsGiven(_resume) && !IsGiven(_all))
            yield return "--resume belongs to --all";
        if (!IsGiven(_repair))
        {
            foreach (var option in ((Option[])[_by, _reason]).Where(IsGiven))
                yield return $"{option.Name} belongs to --repair";
            yield break;
        }

        // What is only told and not done needs nobody to answer for it.
        if (IsGiven(_dryRun) && !IsGiven(_by) && !IsGiven(_reason))
            yield break;
        if (RepairPayoutCommand.NameFault(ValueOf(_by)) is { } nameFault)
            yield return $"--by is required with --repair, and {nameFault}";
        if (RepairPayoutCommand.ReasonFault(ValueOf(_reason)) is { } reasonFault)
            yield return $"--reason is required with --repair, and {reasonFault}";

        bool IsGiven(Option option) => command.GetResult(option) is { Implicit: false };
        string? ValueOf(Option<string?> option) => command.GetResult(option)?.Tokens is [{ Value: var text }] ? text : null;
    }

    private static Option<bool> Flag(string name, string description) =>
        new(name) { Description = description, Arity = ArgumentArity.Zero };

    private static DateTimeOffset? ParseSince(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var since))
            return since;
        result.AddError($"--since must be an instant such as 2026-01-31T00:00:00Z, is '{text}'");
        return null;
    }

    private static TimeSpan? ParseTimeout(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        // A number alone would be days.
        if (text.Contains(':', StringComparison.Ordinal)
            && TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var timeout)
            && timeout > TimeSpan.Zero
            && timeout <= TimeSpan.FromDays(7))
        {
            return timeout;
        }

        result.AddError($"--timeout must be a duration hh:mm:ss of more than zero and at most 7 days, is '{text}'");
        return null;
    }

    private AuditArguments ArgumentsOf(ParseResult parsed) => new()
    {
        PayoutId = parsed.GetValue(_payout),
        Since = parsed.GetValue(_since),
        IsAll = parsed.GetValue(_all),
        IsResumed = parsed.GetValue(_resume),
        RepairFor = parsed.GetValue(_by) is { } name ? new Actor(name, parsed.GetValue(_reason)) : null,
        IsDryRun = parsed.GetValue(_dryRun),
        IsJson = parsed.GetValue(_json),
        Timeout = parsed.GetValue(_timeout) ?? Timeout.InfiniteTimeSpan,
    };
}
