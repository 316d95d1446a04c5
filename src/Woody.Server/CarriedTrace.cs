using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace PayoutManager.Woody.Server;

/// <summary>
/// Takes up a caller's W3C trace context where nobody collects spans, and so nobody has yet: what the call leads to elsewhere is a
/// part of that trace all the same.
/// </summary>
internal static class CarriedTrace
{
    /// <returns>To be ended with the call; null where there is nothing to carry, or a span that does.</returns>
    public static Activity? Begin(IHeaderDictionary headers)
    {
        if (Activity.Current is not null
            || !ActivityContext.TryParse(headers.TraceParent, headers.TraceState, isRemote: true, out var caller))
        {
            return null;
        }

        return new Activity("thrift.server.call") { TraceStateString = caller.TraceState }
            .SetParentId(caller.TraceId, caller.SpanId, caller.TraceFlags)
            .Start();
    }
}
