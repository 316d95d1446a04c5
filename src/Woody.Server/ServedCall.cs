using System.Collections;
using System.Diagnostics;

namespace PayoutManager.Woody.Server;

/// <summary>
/// What becomes known of a call while it is served. As a scope of the log it puts onto each line of the call in which trace it is, who
/// makes it and what it is about, as far as that is known by then.
/// </summary>
/// <param name="context">The ids of the call.</param>
internal sealed class ServedCall(WoodyContext context) : IReadOnlyList<KeyValuePair<string, object?>>
{
    private const int LongestText = 256;

    // A span tells of itself.
    private readonly bool _hasSpan = Activity.Current is not null;

    private string? _subject;

    /// <summary>The method's name once it is known to exist, so that there are only so many of them.</summary>
    public string Method { get; set; } = "-";

    /// <summary>What the call is about, in printable ASCII; null where it does not say.</summary>
    public string? Subject
    {
        get => _subject;
        set => _subject = value is null ? null : Printable.Of(value, LongestText);
    }

    /// <summary>Who makes the call; null where nobody says.</summary>
    public string? Actor { get; set; }

    /// <summary>The same in printable ASCII; - where nobody says.</summary>
    public string ActorInLog => Actor is { } actor ? Printable.Of(actor, LongestText) : "-";

    /// <summary>How it ended: success, the name of a declared exception or of an error, or an error class.</summary>
    public string Outcome { get; set; } = "success";

    int IReadOnlyCollection<KeyValuePair<string, object?>>.Count => Fields().Count();

    KeyValuePair<string, object?> IReadOnlyList<KeyValuePair<string, object?>>.this[int index] => Fields().ElementAt(index);

    IEnumerator<KeyValuePair<string, object?>> IEnumerable<KeyValuePair<string, object?>>.GetEnumerator() => Fields().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => Fields().GetEnumerator();

    /// <summary>The fields in a line, for logs that are read by people.</summary>
    public override string ToString() => string.Join(' ', Fields().Select(field => $"{field.Key}:{field.Value}"));

    private IEnumerable<KeyValuePair<string, object?>> Fields()
    {
        if (!_hasSpan)
        {
            yield return new("TraceId", W3CId.OfTrace(context.TraceId));
            yield return new("SpanId", W3CId.OfSpan(context.SpanId));
        }

        yield return new("Actor", ActorInLog);
        if (Subject is { } subject)
            yield return new("PayoutId", subject);
    }
}
