using System.Net.Http.Headers;
using Thrift.Protocol;

namespace PayoutManager.Woody;

/// <summary>A reply together with the headers that it came with.</summary>
/// <typeparam name="TResult">The generated struct of the method's result and declared exceptions.</typeparam>
public sealed class WoodyResponse<TResult>
    where TResult : TBase
{
    private readonly HttpResponseHeaders _headers;

    internal WoodyResponse(TResult result, HttpResponseHeaders headers)
    {
        Result = result;
        _headers = headers;
    }

    /// <summary>The method's result or declared exception.</summary>
    public TResult Result { get; }

    /// <summary>The first value of a header of the response; null if it was not sent.</summary>
    /// <param name="name">The header's name, without regard to case.</param>
    public string? FindHeader(string name) => WoodyHeaders.Find(_headers, name);
}
