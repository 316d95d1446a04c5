namespace PayoutManager.Host.Audit;

/// <summary>The log of a command: a line for each entry, and of an exception what it says.</summary>
/// <param name="writer">Where the lines go; it can be written to by several threads at once.</param>
internal sealed class LineLog(TextWriter writer) : ILoggerProvider, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        writer.WriteLine(InOneLine($"{logLevel}: {formatter(state, exception)}{(exception is null ? "" : $": {exception.Message}")}"));

    public void Dispose()
    {
        // The writer is the command's.
    }

    /// <summary>A text without line breaks.</summary>
    public static string InOneLine(string text) =>
        string.Join(' ', text.Split(['\r', '\n'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
