using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using PayoutManager.Host.Configuration;
using PayoutManager.Host.Hosting;
using PayoutManager.Host.Management;
using PayoutManager.Infrastructure.Storage;

namespace PayoutManager.Host.Commands;

/// <summary>The program's command line: a verb and its options, or else settings of the service that is then run.</summary>
internal static class HostCommandLine
{
    public const string NotesOfRoot =
        """
        Without a command it runs the service, as run does:
          PayoutManager.Host --Kafka:Topic=payouts

        Every command has a page of its own with its exit codes and examples:
          PayoutManager.Host audit --help
        """;

    private const string DefaultVerb = "run";
    private const int MaxWidth = 120;

    /// <summary>What the program can be asked to do.</summary>
    public static IReadOnlyList<Verb> Verbs { get; } = [new RunCommand(), new MigrateCommand(), new AuditCommand(), new DemoCommand()];

    /// <summary>Does what the command line says.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="output">Where results go; null for the process' own output.</param>
    /// <param name="error">Where faults go, each in a line, by several threads at once; null for the process' own error output.</param>
    public static async Task<ExitCode> RunAsync(string[] args, TextWriter? output = null, TextWriter? error = null)
    {
        error ??= Console.Error;
        var parsed = Parse(args);
        if (FaultsOf(parsed) is not [] and var faults)
        {
            foreach (var fault in faults)
                await error.WriteLineAsync(fault);
            return ExitCode.WronglyCalled;
        }

        try
        {
            return (ExitCode)await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = output ?? Console.Out,
                Error = error,
                EnableDefaultExceptionHandler = false,
                // Each verb knows by itself how it ends on a signal.
                ProcessTerminationTimeout = null,
            });
        }
        catch (InvalidConfigurationException e)
        {
            await error.WriteLineAsync(e.Message);
            return ExitCode.WronglyCalled;
        }
        catch (CannotListenException e)
        {
            await error.WriteLineAsync(e.Message);
            return ExitCode.CannotListen;
        }
        catch (UnusableDatabaseException e)
        {
            await error.WriteLineAsync(e.Message);
            return ExitCode.DatabaseUnusable;
        }
        catch (Exception e)
        {
            await error.WriteLineAsync($"Something unexpected: {e}");
            return ExitCode.Failed;
        }
    }

    /// <summary>What is wrong with a command line; nothing of it is done.</summary>
    public static IReadOnlyList<string> FindFaults(string[] args) => FaultsOf(Parse(args));

    // An argument that begins with @ is no file to be read, and -ab no -a -b.
    private static ParseResult Parse(string[] args) => Root().Parse(
        WithVerb(args), new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });

    private static RootCommand Root()
    {
        var root = new RootCommand("PayoutManager: creates, confirms and cancels payouts.");
        foreach (var verb in Verbs)
            root.Add(verb);
        var help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Shows this page";
        var standard = (HelpAction)help.Action!;
        standard.MaxWidth = Math.Min(standard.MaxWidth, MaxWidth);
        help.Action = new HelpPage(standard);
        var version = root.Options.OfType<VersionOption>().Single();
        version.Description = "Shows the version";
        version.Action = new ShowVersion();
        return root;
    }

    /// <summary>Only the first word can be a verb: a later one may be the value of a setting.</summary>
    private static string[] WithVerb(string[] args) => args switch
    {
        [] => [DefaultVerb],
        ["--help" or "-h" or "-?" or "--version", ..] => args,
        [var first, ..] when SettingsArgument.MayBe(first) => [DefaultVerb, .. args],
        _ => args,
    };

    private static IReadOnlyList<string> FaultsOf(ParseResult parsed)
    {
        // Whoever asks for help gets it, whatever else there is.
        if (parsed.Action is HelpPage)
            return [];
        if (parsed.CommandResult.Command is Verb verb)
        {
            var faults = parsed.Errors.Select(e => e.Message).Concat(verb.Check(parsed.CommandResult));
            return [.. faults.Select(fault => $"{verb.Name}: {Sentence(fault)} See {verb.Name} --help.")];
        }

        // The library has other words for it, and as many complaints as follow from it.
        return parsed.UnmatchedTokens is [var word, ..]
            ? [$"'{word}' is not known.{Spelling.DidYouMean(word, Verbs.Select(v => v.Name))} See --help."]
            : [.. parsed.Errors.Select(e => $"{Sentence(e.Message)} See --help.")];
    }

    private static string Sentence(string text) => text.EndsWith('.') || text.EndsWith('?') ? text : $"{text}.";

    private sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(ProductVersion.Text);
            return (int)ExitCode.Success;
        }
    }
}
