using PayoutManager.Host.Commands;
using PayoutManager.Host.Management;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Commands;

public sealed class CommandLineTests
{
    public static TheoryData<string> Verbs => [.. HostCommandLine.Verbs.Select(verb => verb.Name)];

    [Theory]
    [InlineData("'adit' is not known. Did you mean audit? See --help.", "adit")]
    [InlineData("'Migrat' is not known. Did you mean migrate? See --help.", "Migrat", "now")]
    [InlineData("'serve' is not known. See --help.", "serve")]
    [InlineData("'now' is not known. See --help.", "--version", "now")]
    [InlineData("run: '--halp' is not known. Did you mean --help? See run --help.", "--halp")]
    [InlineData("run: 'audit' is not known. See run --help.", "run", "audit")]
    [InlineData("run: '-x' is not known. See run --help.", "-x")]
    [InlineData("run: '--Storag:Provider' is not known. Did you mean --Storage:Provider? See run --help.", "--Storag:Provider", "Sqlite")]
    [InlineData("run: '--Storag:Provider' is not known. Did you mean --Storage:Provider? See run --help.", "--Storag:Provider=Sqlite")]
    [InlineData("run: '--Kafka__Topic' is not known. Did you mean --Kafka:Topic? See run --help.", "--Kafka__Topic=payouts")]
    [InlineData("run: 'Kafka__Topic' is not known. Did you mean --Kafka:Topic? See run --help.", "Kafka__Topic=payouts")]
    [InlineData("run: --Kafka:Topic needs a value. See run --help.", "--Kafka:Topic")]
    [InlineData("migrate: '--dry-run' is not known. See migrate --help.", "migrate", "--dry-run")]
    [InlineData("demo: Unrecognized command or argument 'twice'. See demo --help.", "demo", "twice")]
    [InlineData("audit: --since must be an instant such as 2026-01-31T00:00:00Z, is 'yesterday'. See audit --help.", "audit", "--since", "yesterday")]
    [InlineData("audit: Required argument missing for option: '--payout'. See audit --help.", "audit", "--payout")]
    [InlineData("audit: --payout and --since exclude each other. See audit --help.", "audit", "--payout", "p", "--since", "2026-01-01T00:00:00Z")]
    [InlineData("audit: 'everything' is not known. See audit --help.", "audit", "everything")]
    [InlineData("audit: '--jsn' is not known. Did you mean --json? See audit --help.", "audit", "--jsn", "--payout", "p")]
    [InlineData("audit: --json is given twice. See audit --help.", "audit", "--json", "--json")]
    [InlineData("audit: 'true' is not known. See audit --help.", "audit", "--json", "true")]
    [InlineData("audit: --reason is required with --repair, and must be 1 to 1024 characters without control characters. See audit --help.", "audit", "--repair", "--by", "olga")]
    [InlineData("audit: --by is required with --repair, and must be 1 to 512 characters without control characters. See audit --help.", "audit", "--repair", "--by", " ", "--reason", "ticket 7")]
    [InlineData("audit: --by belongs to --repair. See audit --help.", "audit", "--by", "olga")]
    [InlineData("audit: --timeout must be a duration hh:mm:ss of more than zero and at most 7 days, is '5'. See audit --help.", "audit", "--timeout", "5")]
    public async Task What_makes_no_sense_is_named_and_nothing_is_started(string fault, params string[] args) =>
        Assert.Equal((ExitCode.WronglyCalled, "", fault), await RunAsync(args));

    [Fact]
    public async Task All_faults_are_named_at_once() => Assert.Equal(
        (ExitCode.WronglyCalled, "",
            """
            audit: --timeout must be a duration hh:mm:ss of more than zero and at most 7 days, is 'long'. See audit --help.
            audit: 'everything' is not known. See audit --help.
            audit: --by belongs to --repair. See audit --help.
            audit: --reason belongs to --repair. See audit --help.
            """),
        await RunAsync("audit", "everything", "--timeout", "long", "--by", "olga", "--reason", "ticket 7"));

    [Fact]
    public async Task The_version_is_printed() =>
        Assert.Equal((ExitCode.Success, ProductVersion.Text, ""), await RunAsync("--version"));

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("-?")]
    public async Task Help_names_every_verb(string option)
    {
        var (exit, page, error) = await RunAsync(option);

        Assert.Equal((ExitCode.Success, ""), (exit, error));
        var commands = page[page.IndexOf("Commands:", StringComparison.Ordinal)..].Split('\n').Skip(1).TakeWhile(line => line.Length > 0);
        Assert.Equal(
            ["run", "migrate", "audit", "demo"],
            commands.Where(line => line[2] != ' ').Select(line => line.Trim().Split(' ')[0]));
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Each_verb_has_a_page_with_its_exit_codes_and_examples(string name)
    {
        var verb = HostCommandLine.Verbs.Single(verb => verb.Name == name);

        var (exit, page, error) = await RunAsync(name, "--help");

        Assert.Equal((ExitCode.Success, ""), (exit, error));
        Assert.Equal((exit, page, error), await RunAsync(name, "--nonsense", "-h"));
        var lines = page.Split('\n');
        var exits = lines.SkipWhile(line => line != "Exit codes:").Skip(1).TakeWhile(line => line.Length > 0);
        Assert.Equal(verb.Exits.Select(e => $"  {(int)e.Code,-3}  {e.Meaning}"), exits);
        Assert.All(lines, line => Assert.True(line.Length <= 130, line));
    }

    /// <summary>What a page shows can be typed as it is.</summary>
    [Theory]
    [MemberData(nameof(Verbs))]
    public void Each_example_is_understood(string name)
    {
        const string program = "PayoutManager.Host";
        var lines = HostCommandLine.Verbs.Single(verb => verb.Name == name).Examples.Split('\n')
            .Where(line => line.Contains(program, StringComparison.Ordinal))
            .ToList();

        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Empty(HostCommandLine.FindFaults(WordsOf(line[(line.IndexOf(program, StringComparison.Ordinal) + program.Length)..]))));
    }

    /// <summary>Both ways to write a setting, with and without the verb, and a value that is a verb's name.</summary>
    [Theory]
    [InlineData]
    [InlineData("run")]
    public async Task Settings_reach_the_configuration(params string[] verb)
    {
        var (exit, output, error) = await RunAsync(
            [
                .. verb, "--environment", "Production", "--Storage:Provider=Sqlite", "--Kafka:Topic", "pm events", "Thrift:MaxBodySize=1",
                "--Shutdown:Delay", "demo",
            ]);

        Assert.Equal((ExitCode.WronglyCalled, ""), (exit, output));
        Assert.Equal(
            """
            The configuration cannot be used:
              Storage:Provider: Sqlite is for Development only
              ConnectionStrings:Payouts: is required
              PartyManagement:Url: is required
              Shumway:Url: is required
              Kafka:BootstrapServers: is required
              Kafka:Topic: must be 1 to 249 characters a–z, A–Z, 0–9, '.', '_' or '-', is 'pm events'
              Thrift:MaxBodySize: must be a whole number from 1024 to 67108864, is '1'
              Shutdown:Delay: must be a duration hh:mm:ss from 00:00:00 to 00:05:00, is 'demo'
            """,
            error);
    }

    [Fact]
    public void The_handbook_has_every_exit_code()
    {
        var told = File.ReadLines(Path.Combine(Repository.Root, "docs/operations.md"))
            .SkipWhile(line => line != "## Exit codes")
            .SkipWhile(line => !line.StartsWith("|---", StringComparison.Ordinal))
            .Skip(1)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(row => row.Replace("`", "", StringComparison.Ordinal));

        Assert.Equal(
            from verb in HostCommandLine.Verbs
            from exit in verb.Exits
            orderby exit.Code
            select $"| {(int)exit.Code} | {verb.Name} | {exit.Meaning} |",
            told);
    }

    private static async Task<(ExitCode Exit, string Output, string Error)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = await HostCommandLine.RunAsync(args, output, error);
        return (exit, output.ToString().TrimEnd(), error.ToString().TrimEnd());
    }

    /// <summary>The words of a line, as a shell splits it.</summary>
    private static string[] WordsOf(string line) =>
        [.. line.Split('\'').SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
}
