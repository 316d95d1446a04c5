using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace PayoutManager.Host.Tests;

/// <summary>Keeps the log of a host in this process.</summary>
public sealed class LogRecorder : ILoggerProvider, ISupportExternalScope
{
    private readonly ConcurrentQueue<LogLine> _lines = [];
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    /// <summary>The lines with an event id, in the order in which they came.</summary>
    public IReadOnlyList<LogLine> Of(int eventId) => [.. _lines.Where(line => line.EventId == eventId)];

    /// <summary>Waits for so many lines with an event id.</summary>
    public async Task<IReadOnlyList<LogLine>> UntilAsync(int eventId, int count)
    {
        await Testing.Sql.UntilAsync(() => Task.FromResult(Of(eventId).Count >= count));
        return Of(eventId);
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
        // The lines stay.
    }

    private sealed class Logger(LogRecorder recorder) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => recorder._scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var scope = new Dictionary<string, string?>();
            recorder._scopes.ForEachScope(
                (pushed, fields) =>
                {
                    foreach (var (name, value) in pushed as IEnumerable<KeyValuePair<string, object?>> ?? [])
                        fields[name] = $"{value}";
                },
                scope);
            recorder._lines.Enqueue(new LogLine(
                eventId.Id,
                logLevel,
                formatter(state, exception),
                (state as IEnumerable<KeyValuePair<string, object?>> ?? []).ToDictionary(field => field.Key, field => $"{field.Value}"),
                scope));
        }
    }
}

/// <summary>A line of the log.</summary>
/// <param name="EventId">Its event.</param>
/// <param name="Level">How bad it is.</param>
/// <param name="Message">What it says.</param>
/// <param name="State">Its own fields.</param>
/// <param name="Scope">The fields of all that it was written within.</param>
public sealed record LogLine(
    int EventId, LogLevel Level, string Message, IReadOnlyDictionary<string, string> State, IReadOnlyDictionary<string, string?> Scope);
