using System.Net.Http.Headers;

namespace PayoutManager.Woody;

/// <summary>The HTTP headers of woody, and the media type of its bodies.</summary>
public static class WoodyHeaders
{
    /// <summary>The only media type of requests and replies.</summary>
    public const string ContentType = "application/x-thrift";

    /// <summary>Names all calls that come of one outside request.</summary>
    public const string TraceId = "woody.trace-id";

    /// <summary>Names this call.</summary>
    public const string SpanId = "woody.span-id";

    /// <summary>Names the call in whose service this one is made.</summary>
    public const string ParentId = "woody.parent-id";

    /// <summary>An RFC 3339 instant after which nobody waits for the answer.</summary>
    public const string Deadline = "woody.deadline";

    /// <summary>Begins the name of each header that is passed on to dependencies unread.</summary>
    public const string MetaPrefix = "woody.meta.";

    /// <summary>What kind of error a response stands for: one of <see cref="WoodyErrorClass"/>.</summary>
    public const string ErrorClass = "woody.error-class";

    /// <summary>The declared exception's name, or words for people.</summary>
    public const string ErrorReason = "woody.error-reason";

    /// <summary>The first value of a header; null if it was not sent.</summary>
    internal static string? Find(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}
