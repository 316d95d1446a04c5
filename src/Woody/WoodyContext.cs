using System.Globalization;

namespace PayoutManager.Woody;

/// <summary>Which call is being served, until when, and with what to pass on. It flows with the asynchronous work.</summary>
/// <param name="TraceId">Names all calls that come of one outside request.</param>
/// <param name="SpanId">Names the call being served.</param>
/// <param name="ParentId">Names the call in whose service it was made.</param>
public sealed record WoodyContext(string TraceId, string SpanId, string ParentId)
{
    private static readonly AsyncLocal<WoodyContext?> Ambient = new();

    /// <summary>The call being served here; null outside of any, such as in recovery.</summary>
    public static WoodyContext? Current
    {
        get => Ambient.Value;
        set => Ambient.Value = value;
    }

    /// <summary>When nobody waits for the answer any more; null if no limit is known.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>When work on the call ends so that its answer arrives in time; null if no limit is known.</summary>
    public DateTimeOffset? WorkUntil { get; init; }

    /// <summary>Who makes the call being served, as far as its certificate or its metadata say; null if neither does. Not passed on by itself.</summary>
    public string? Actor { get; init; }

    /// <summary>Full names and values of the headers that are passed on to dependencies.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Meta { get; init; } = [];

    /// <summary>A new name for a trace or a span: 16 hexadecimal digits. It need not be hard to guess.</summary>
    public static string NewId() => Random.Shared.NextInt64().ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>A context that begins a trace.</summary>
    public static WoodyContext NewRoot() => new(NewId(), NewId(), NewId());
}
