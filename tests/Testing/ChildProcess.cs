using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace PayoutManager.Testing;

/// <summary>A program that a test runs, with what it prints.</summary>
public sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<(bool IsError, string Line)> _output = [];

    private ChildProcess(Process process) => _process = process;

    /// <summary>Everything printed so far, to either stream.</summary>
    public string Output => string.Join('\n', _output.Select(printed => printed.Line));

    /// <summary>What was printed so far to the output alone.</summary>
    public string StandardOutput => string.Join('\n', _output.Where(printed => !printed.IsError).Select(printed => printed.Line));

    /// <summary>What was printed so far to the error output alone.</summary>
    public string StandardError => string.Join('\n', _output.Where(printed => printed.IsError).Select(printed => printed.Line));

    /// <summary>Starts a program.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables beside those of this process, which hands on none of .NET's own.</param>
    /// <param name="folder">Where to run it.</param>
    public static ChildProcess Start(
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        string? folder = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? Path.GetTempPath(),
        };
        foreach (var name in (string[])["DOTNET_ENVIRONMENT", "ASPNETCORE_ENVIRONMENT", "ASPNETCORE_URLS"])
            start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;

        var child = new ChildProcess(new Process { StartInfo = start });
        child._process.OutputDataReceived += (_, line) => child.Keep(isError: false, line.Data);
        child._process.ErrorDataReceived += (_, line) => child.Keep(isError: true, line.Data);
        child._process.Start();
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Waits until the program has printed something that fits.</summary>
    public async Task<Match> UntilPrintedAsync(Regex pattern)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            if (pattern.Match(Output) is { Success: true } match)
                return match;
            if (HasExited)
                throw new InvalidOperationException($"It has ended without printing {pattern}:\n{Output}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, patience.Token);
        }
    }

    /// <summary>Waits for the program's end.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> WaitAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"It goes on and on:\n{Output}");
        }

        return _process.ExitCode;
    }

    /// <summary>Asks the program to stop, as an operator does.</summary>
    public void Terminate() => Signal("TERM");

    /// <summary>Sends the program a signal, by its name.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Its number.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Kills the program if it still runs.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private void Keep(bool isError, string? line)
    {
        if (line is not null)
            _output.Enqueue((isError, line));
    }
}
