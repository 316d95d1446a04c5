using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>A span as it was exported.</summary>
internal sealed record ExportedSpan(
    string TraceId, string Id, string ParentId, string Name, IReadOnlyDictionary<string, string> Tags);

/// <summary>Takes what OpenTelemetry sends over HTTP, and reads the spans of it.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly ConcurrentQueue<ExportedSpan> _spans = [];
    private readonly WebApplication _app;

    private OtlpCollector()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    public Uri Url => new(_app.Urls.First());

    public IReadOnlyCollection<ExportedSpan> Spans => _spans;

    public static async Task<OtlpCollector> StartAsync()
    {
        var collector = new OtlpCollector();
        await collector._app.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        if (http.Request.Path != "/v1/traces")
            return;

        // The field numbers are those of opentelemetry/proto/trace/v1/trace.proto.
        foreach (var span in Fields(body.ToArray(), 1).SelectMany(r => Fields(r, 2)).SelectMany(s => Fields(s, 2)))
        {
            _spans.Enqueue(new ExportedSpan(
                Convert.ToHexStringLower(Fields(span, 1).Single()),
                Convert.ToHexStringLower(Fields(span, 2).Single()),
                Convert.ToHexStringLower(Fields(span, 4).SingleOrDefault() ?? []),
                Encoding.UTF8.GetString(Fields(span, 5).Single()),
                Fields(span, 9).ToDictionary(TextOf, tag => string.Concat(Fields(tag, 2).Select(TextOf)))));
        }
    }

    private static string TextOf(byte[] message) => string.Concat(Fields(message, 1).Select(Encoding.UTF8.GetString));

    /// <summary>The length-delimited fields of a number in a message of protocol buffers.</summary>
    private static IEnumerable<byte[]> Fields(byte[] message, int number)
    {
        for (var at = 0; at < message.Length;)
        {
            var key = Varint(message, ref at);
            switch (key & 7)
            {
                case 0:
                    Varint(message, ref at);
                    break;
                case 1:
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(message, ref at);
                    if ((int)(key >> 3) == number)
                        yield return message[at..(at + length)];
                    at += length;
                    break;
                default:
                    at += 4;
                    break;
            }
        }
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            value |= (message[at] & 0x7FUL) << shift;
            if (message[at++] < 0x80)
                return value;
        }
    }
}
