using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace PayoutManager.Host.Audit;

/// <summary>The log of a command: a line for each entry, and of an exception what it says.</summary>
internal sealed class LineFormatter() : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "line";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        textWriter.WriteLine(InOneLine($"{logEntry.LogLevel}: {message}{(logEntry.Exception is { } e ? $": {e.Message}" : "")}"));
    }

    /// <summary>A text without line breaks.</summary>
    public static string InOneLine(string text) =>
        string.Join(' ', text.Split(['\r', '\n'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
