using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Woody.Server;

/// <summary>Reads the parts of a request that woody cares about, and refuses what it does not allow.</summary>
internal static class WoodyRequestReader
{
    private const int MaxIdLength = 256;
    private static readonly string[] Ids = [WoodyHeaders.TraceId, WoodyHeaders.SpanId, WoodyHeaders.ParentId];
    private static readonly MediaTypeHeaderValue ThriftMediaType = new(WoodyHeaders.ContentType);

    /// <summary>The ids of the call, made here where the caller sent none or none that can be echoed.</summary>
    public static WoodyContext ReadIds(IHeaderDictionary headers) =>
        new(Id(headers, WoodyHeaders.TraceId), Id(headers, WoodyHeaders.SpanId), Id(headers, WoodyHeaders.ParentId));

    public static void CheckForm(HttpRequest request, string path)
    {
        if (!string.Equals(request.Path.Value, path, StringComparison.Ordinal))
            throw Refusal(StatusCodes.Status404NotFound, $"no service at {request.Path}");
        if (!HttpMethods.IsPost(request.Method))
            throw Refusal(StatusCodes.Status405MethodNotAllowed, $"method {request.Method}, must be POST");
        if (!IsThrift(request.ContentType))
            throw Refusal(StatusCodes.Status415UnsupportedMediaType, $"content type must be {WoodyHeaders.ContentType}");
        if (!AcceptsThrift(request.Headers))
            throw Refusal(StatusCodes.Status406NotAcceptable, $"accept rules out {WoodyHeaders.ContentType}");
    }

    /// <summary>Completes the context by what the headers say beyond the ids.</summary>
    public static WoodyContext ReadHeaders(IHeaderDictionary headers, WoodyContext ids, DateTimeOffset defaultDeadline)
    {
        foreach (var name in Ids)
        {
            if (headers[name] is { Count: > 0 } values && (values.Count > 1 || !IsUsableId(values[0])))
                throw BadRequest($"header {name} must be 1 to {MaxIdLength} visible ASCII characters, once");
        }

        var deadline = defaultDeadline;
        if (headers[WoodyHeaders.Deadline] is { Count: > 0 } texts
            && (texts.Count > 1 || !ThriftTimestamp.TryParse(texts[0]!, out deadline)))
        {
            throw BadRequest($"header {WoodyHeaders.Deadline} must be an RFC 3339 instant, once");
        }

        return ids with { Deadline = deadline };
    }

    /// <param name="http">The request.</param>
    /// <param name="maxSize">The largest body in bytes.</param>
    /// <param name="takeRoom">Takes room for a body of a size; refuses where there is none.</param>
    public static async Task<byte[]> ReadBodyAsync(HttpContext http, int maxSize, Action<int> takeRoom)
    {
        // Kestrel's own limit would answer 413; woody wants 400 for whatever is wrong with a body.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        var length = http.Request.ContentLength;
        if (length > maxSize)
            throw TooLarge();
        try
        {
            return length is { } claimed
                ? await ReadClaimedAsync((int)claimed)
                : await ReadChunksAsync();
        }
        catch (Exception e) when (e is BadHttpRequestException or EndOfStreamException)
        {
            throw BadRequest($"the body cannot be read: {e.Message}");
        }

        // Only so many bytes can be claimed at once, and they are kept once: no buffer that grows, no copy at the end.
        async Task<byte[]> ReadClaimedAsync(int claimed)
        {
            takeRoom(claimed);
            var body = new byte[claimed];
            await http.Request.Body.ReadExactlyAsync(body, http.RequestAborted);
            return body;
        }

        async Task<byte[]> ReadChunksAsync()
        {
            using var body = new MemoryStream();
            var chunk = new byte[4096];
            int read;
            while ((read = await http.Request.Body.ReadAsync(chunk, http.RequestAborted)) > 0)
            {
                if (body.Length + read > maxSize)
                    throw TooLarge();
                takeRoom((int)body.Length + read);
                body.Write(chunk, 0, read);
            }

            return body.ToArray();
        }

        WoodyErrorException TooLarge() => BadRequest($"the body is larger than {maxSize} bytes");
    }

    public static WoodyErrorException BadRequest(string reason) => new(WoodyError.BadRequest(reason));

    private static WoodyErrorException Refusal(int status, string reason) =>
        new(new WoodyError(status, WoodyErrorClass.ResultUnexpected, reason));

    /// <summary>What is passed on to dependencies, whatever it is.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> ReadMeta(IHeaderDictionary headers)
    {
        List<KeyValuePair<string, string>>? meta = null;
        foreach (var (name, value) in headers)
        {
            if (name.StartsWith(WoodyHeaders.MetaPrefix, StringComparison.OrdinalIgnoreCase))
                (meta ??= []).Add(new(name, value.ToString()));
        }

        return meta ?? [];
    }

    private static string Id(IHeaderDictionary headers, string name) =>
        headers[name] is [{ } id] && IsUsableId(id) ? id : WoodyContext.NewId();

    /// <summary>Whether an id can be sent back and on: a response header takes nothing but ASCII.</summary>
    private static bool IsUsableId(string? id) =>
        id is { Length: > 0 and <= MaxIdLength } && !id.AsSpan().ContainsAnyExceptInRange('!', '~');

    // What peers send, word for word, needs no parsing.
    private static bool IsThrift(string? contentType) =>
        contentType == WoodyHeaders.ContentType
        || (MediaTypeHeaderValue.TryParse(contentType, out var type)
            && type.MediaType.Equals(WoodyHeaders.ContentType, StringComparison.OrdinalIgnoreCase));

    private static bool AcceptsThrift(IHeaderDictionary headers)
    {
        if (headers.Accept is [WoodyHeaders.ContentType or "*/*"])
            return true;
        if (headers.Accept.Count == 0 || headers.Accept.All(string.IsNullOrWhiteSpace))
            return true;
        if (!MediaTypeHeaderValue.TryParseList(headers.Accept, out var ranges))
            return false;
        // The most specific range that fits decides: an explicit q=0 outweighs */*.
        var fitting = ranges
            .Where(r => ThriftMediaType.IsSubsetOf(new MediaTypeHeaderValue(r.MediaType)))
            .OrderBy(r => r.MatchesAllTypes ? 2 : r.MatchesAllSubTypes ? 1 : 0)
            .FirstOrDefault();
        return fitting is not null && fitting.Quality is not 0;
    }
}
