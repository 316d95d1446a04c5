using PayoutManager.Host.Commands;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests;

/// <summary>Runs the audit with the configuration of hosts that use some peers.</summary>
public static class AuditRunner
{
    /// <summary>Runs it in this process: starting one takes longer than most audits do.</summary>
    public static Task<AuditOutcome> RunAsync(PostgresPeers peers, params IEnumerable<string> arguments) =>
        RunAsync(HostProcess.EnvironmentOf(peers, []), arguments);

    /// <inheritdoc cref="RunAsync(PostgresPeers, IEnumerable{string})"/>
    public static async Task<AuditOutcome> RunAsync(IReadOnlyDictionary<string, string> environment, params IEnumerable<string> arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var settings = environment.SelectMany<KeyValuePair<string, string>, string>(
            variable => [$"--{variable.Key.Replace("__", ":", StringComparison.Ordinal)}", variable.Value]);
        var exit = await HostCommandLine.RunAsync(["audit", .. arguments, .. settings], output, TextWriter.Synchronized(error));
        return new AuditOutcome((int)exit, $"{output}".TrimEnd('\n'), $"{error}".TrimEnd('\n'));
    }

    /// <summary>Runs it as an operator does.</summary>
    public static async Task<AuditOutcome> RunProcessAsync(
        IReadOnlyDictionary<string, string> environment, params IEnumerable<string> arguments)
    {
        using var audit = ChildProcess.Start("dotnet", [HostProcess.Program, "audit", .. arguments], environment);
        return new AuditOutcome(await audit.WaitAsync(), audit.StandardOutput, audit.StandardError);
    }
}

/// <summary>How an audit ended.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">The report.</param>
/// <param name="Errors">What it said beside.</param>
public sealed record AuditOutcome(int ExitCode, string Output, string Errors)
{
    /// <summary>Whether nothing disagrees, as far as the ledger's calls can tell.</summary>
    public bool FoundNothing => ExitCode is 0 or 7;
}
