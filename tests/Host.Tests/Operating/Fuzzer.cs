using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using PayoutManager.Testing;

namespace PayoutManager.Host.Tests.Operating;

/// <summary>
/// Sends what nobody should: the byte vectors of the protocol, bent and broken by a seed, under headers that are right, odd
/// or wrong. Each answer has to be one of the table's.
/// </summary>
internal sealed class Fuzzer(int seed, HttpClient http, Uri url)
{
    // Right bytes under right headers are answered by what they ask for; broken ones by 400.
    private static readonly HashSet<HttpStatusCode> ToBytes =
    [
        HttpStatusCode.OK, HttpStatusCode.BadRequest, HttpStatusCode.InternalServerError, HttpStatusCode.ServiceUnavailable,
        HttpStatusCode.GatewayTimeout,
    ];

    private static readonly HashSet<HttpStatusCode> ToHeaders =
    [
        .. ToBytes, HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed, HttpStatusCode.NotAcceptable,
        HttpStatusCode.UnsupportedMediaType,
    ];

    private static readonly byte[][] Vectors = [.. ReadVectors()];

    private static readonly string[] Values =
    [
        "", "*", "*/*", "text/html", "application/x-thrift", "application/x-thrift; q=0", "application/*;q=0.1,text/*",
        "2026-11-24T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "yesterday",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0-0-0", "a=b,c", new string('x', 257), new string('y', 4000),
        "a b", "\"", "выплата",
    ];

    private static readonly string[] Names =
    [
        "woody.trace-id", "woody.span-id", "woody.parent-id", "woody.deadline", "woody.meta.user-identity.id", "woody.meta.",
        "Accept", "Accept-Encoding", "traceparent", "tracestate", "baggage", "X-Forwarded-For", "Expect", "Range",
    ];

    private readonly Random _random = new(seed);

    public int Requests { get; private set; }

    /// <summary>How many answers there were of each status.</summary>
    public Dictionary<HttpStatusCode, int> Answers { get; } = [];

    /// <summary>Fuzzes until told to stop.</summary>
    public async Task RunAsync(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            using var request = Next(out var allowed);
            using var answer = await http.SendAsync(request, CancellationToken.None);
            Requests++;
            Answers[answer.StatusCode] = Answers.GetValueOrDefault(answer.StatusCode) + 1;
            Check(request, answer, allowed);
        }
    }

    private static IEnumerable<byte[]> ReadVectors() =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests/Thrift.Tests/wire-vectors.json")))!["vectors"]!.AsArray()
            .Select(vector => Convert.FromHexString(vector!["hex"]!.GetValue<string>()));

    private void Check(HttpRequestMessage request, HttpResponseMessage answer, HashSet<HttpStatusCode> allowed)
    {
        var reason = answer.Headers.TryGetValues("woody.error-reason", out var reasons) ? reasons.Single() : null;
        var fine = allowed.Contains(answer.StatusCode)
            && reason != "internal error"
            && answer.Headers.Contains("woody.trace-id")
            && (answer.StatusCode == HttpStatusCode.OK || answer.Headers.Contains("woody.error-class"));
        Assert.True(fine, $"seed {seed}, request {Requests}: {request} was answered {(int)answer.StatusCode} {reason}");
    }

    private HttpRequestMessage Next(out HashSet<HttpStatusCode> allowed)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(Bend(Pick(Vectors))) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-thrift");
        allowed = ToBytes;
        if (_random.Next(4) > 0)
            return request;

        allowed = ToHeaders;
        for (var n = _random.Next(4); n > 0; n--)
            request.Headers.TryAddWithoutValidation(Pick(Names), Pick(Values));
        switch (_random.Next(8))
        {
            case 0:
                request.Content.Headers.Remove("Content-Type");
                request.Content.Headers.TryAddWithoutValidation("Content-Type", Pick(Values));
                break;
            case 1:
                request.Method = Pick([HttpMethod.Get, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Options, new HttpMethod("PROPFIND")]);
                break;
            case 2:
                request.RequestUri = new Uri(url, Pick(["/", "/payout", "/payout/management/", "/payout//management", "/info", "/metrics", "/%01", "/payout/management?x=1"]));
                break;
            case 3:
                request.Headers.TransferEncodingChunked = true;
                break;
        }

        return request;
    }

    private byte[] Bend(byte[] bytes)
    {
        var bent = (byte[])[.. bytes];
        for (var n = _random.Next(5); n > 0 && bent.Length > 0; n--)
        {
            var at = _random.Next(bent.Length);
            switch (_random.Next(9))
            {
                case 0:
                    bent[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 1:
                    bent[at] = (byte)_random.Next(256);
                    break;
                case 2:
                    bent = bent[..at];
                    break;
                case 3:
                    bent = [.. bent[..at], .. Noise(), .. bent[at..]];
                    break;
                case 4:
                    bent = [.. bent[..at], .. bent[Math.Min(at + _random.Next(16), bent.Length)..]];
                    break;
                case 5 when at + 4 <= bent.Length:
                    // Where a size or a number is: as large, as negative, as off by one as can be.
                    BinaryPrimitives.WriteInt32BigEndian(
                        bent.AsSpan(at), Pick([int.MaxValue, int.MinValue, -1, 0, bent.Length, bent.Length - at, 1 << 20]));
                    break;
                case 6:
                    var other = Pick(Vectors);
                    bent = [.. bent[..at], .. other[_random.Next(other.Length)..]];
                    break;
                case 7:
                    // A struct in a struct in a struct …
                    bent = [.. bent[..at], .. Enumerable.Repeat((byte[])[12, 0, 1], _random.Next(300)).SelectMany(b => b), .. bent[at..]];
                    break;
                case 8:
                    bent = [.. bent[..at], .. bent[.._random.Next(bent.Length)], .. bent[at..]];
                    break;
            }
        }

        return bent;
    }

    private byte[] Noise()
    {
        var noise = new byte[_random.Next(40)];
        _random.NextBytes(noise);
        return _random.Next(3) == 0 ? Encoding.UTF8.GetBytes(Pick(Values)) : noise;
    }

    private T Pick<T>(IReadOnlyList<T> choices) => choices[_random.Next(choices.Count)];
}
