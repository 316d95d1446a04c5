using System.Net.Http.Headers;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;
using Thrift.Protocol.Entities;

namespace PayoutManager.Bench.Floor;

/// <summary>Calls to PartyManagement and Shumway, with the headers that the protocol asks for.</summary>
internal sealed class Peers(Uri partyManagement, Uri shumway) : IDisposable
{
    private static readonly MediaTypeHeaderValue ThriftType = new("application/x-thrift");
    private static readonly MediaTypeWithQualityHeaderValue ThriftAccepted = new("application/x-thrift");

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, ActivityHeadersPropagator = null });

    public Task<TResult> PartyManagementAsync<TResult>(string method, TBase args, string traceId, string spanId)
        where TResult : TBase, new() => CallAsync<TResult>(partyManagement, method, args, traceId, spanId);

    public Task<TResult> ShumwayAsync<TResult>(string method, TBase args, string traceId, string spanId)
        where TResult : TBase, new() => CallAsync<TResult>(shumway, method, args, traceId, spanId);

    public void Dispose() => _http.Dispose();

    private async Task<TResult> CallAsync<TResult>(Uri url, string method, TBase args, string traceId, string spanId)
        where TResult : TBase, new()
    {
        var content = new ByteArrayContent(ThriftMessage.Serialize(new TMessage(method, TMessageType.Call, 1), args));
        content.Headers.ContentType = ThriftType;
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = content };
        request.Headers.Accept.Add(ThriftAccepted);
        request.Headers.TryAddWithoutValidation("woody.trace-id", traceId);
        request.Headers.TryAddWithoutValidation("woody.span-id", Payouts.NewId());
        request.Headers.TryAddWithoutValidation("woody.parent-id", spanId);
        request.Headers.TryAddWithoutValidation("woody.deadline", ThriftTimestamp.Format(TimeProvider.System.GetUtcNow().AddSeconds(30)));
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        return ThriftMessage.Open(await response.Content.ReadAsByteArrayAsync()).ReadBody<TResult>();
    }
}
