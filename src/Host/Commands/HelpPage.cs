using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace PayoutManager.Host.Commands;

/// <summary>The library's help, and below it notes, exit codes and examples.</summary>
internal sealed class HelpPage(HelpAction standard) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        standard.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is not Verb verb)
        {
            output.WriteLine($"{HostCommandLine.NotesOfRoot}\n");
            return (int)ExitCode.Success;
        }

        if (verb.Notes is { } notes)
            output.WriteLine($"{notes}\n");
        output.WriteLine("Exit codes:");
        foreach (var (code, meaning) in verb.Exits)
            output.WriteLine($"  {(int)code,-3}  {meaning}");
        output.WriteLine("\nExamples:");
        foreach (var line in verb.Examples.Split('\n'))
            output.WriteLine($"  {line}");
        return (int)ExitCode.Success;
    }
}
