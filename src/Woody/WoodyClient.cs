using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;
using Thrift.Protocol.Entities;

namespace PayoutManager.Woody;

/// <summary>Calls one Thrift service over HTTP, once per call, and sorts what comes back.</summary>
/// <remarks>
/// A request is sent once. <see cref="SocketsHttpHandler"/> repeats a request by itself only if it has not begun to send the body, so a
/// pooled connection that the peer has closed in the meantime is replaced, and one that the peer closes during the call is an unknown
/// outcome.
/// </remarks>
/// <param name="http">Its connections; see <see cref="CreateHandler()"/>.</param>
/// <param name="url">Where the service is.</param>
/// <param name="timeout">How long to wait for an answer, connecting included.</param>
/// <param name="clock">Measures the time-out.</param>
/// <param name="service">The service's name in metrics and traces; null for the path of its address.</param>
public sealed class WoodyClient(HttpClient http, Uri url, TimeSpan timeout, TimeProvider clock, string? service = null)
{
    private static readonly MediaTypeHeaderValue ThriftMediaType = new(WoodyHeaders.ContentType);
    private static readonly MediaTypeWithQualityHeaderValue ThriftAccepted = new(WoodyHeaders.ContentType);

    private static readonly string[] KnownClasses =
    [
        WoodyErrorClass.BusinessError, WoodyErrorClass.ResultUnexpected, WoodyErrorClass.ResourceUnavailable, WoodyErrorClass.ResultUnknown,
    ];

    private readonly string _service = service ?? url.AbsolutePath;
    private int _sequence;

    /// <summary>
    /// Connections as a peer of the platform needs them: no proxy, no redirects, no cookies, renewed every 5 minutes so that a moved name is
    /// noticed. All addresses of a name are tried side by side (RFC 8305); connecting takes at most 2 s, TLS included.
    /// </summary>
    public static SocketsHttpHandler CreateHandler() => CreateHandler(new HappyEyeballs());

    internal static SocketsHttpHandler CreateHandler(HappyEyeballs connections) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        ConnectCallback = async (context, cancellationToken) => await connections.ConnectAsync(context.DnsEndPoint, cancellationToken),
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        // Each call has one span, this client's own, and is passed on under it.
        ActivityHeadersPropagator = null,
        // Metadata may be in any language; Kestrel and the JVM peers read UTF-8.
        RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
    };

    /// <summary>Makes a call under the ambient <see cref="WoodyContext"/>, or a new trace where there is none.</summary>
    /// <typeparam name="TResult">The generated struct of the method's result and declared exceptions.</typeparam>
    /// <param name="method">The method's name.</param>
    /// <param name="args">The generated struct of its arguments.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <exception cref="WoodyCallException">
    /// There is no reply. That includes a call that was given up before anything of it was sent: <see cref="WoodyOutcome.NotDone"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">The call was given up after it was sent; it may have had its effect.</exception>
    public async Task<TResult> CallAsync<TResult>(string method, TBase args, CancellationToken cancellationToken)
        where TResult : TBase, new() => (await CallForResponseAsync<TResult>(method, args, cancellationToken)).Result;

    /// <summary>Makes a call as <see cref="CallAsync"/> does, and answers the headers of the response, too.</summary>
    /// <inheritdoc cref="CallAsync"/>
    public async Task<WoodyResponse<TResult>> CallForResponseAsync<TResult>(
        string method, TBase args, CancellationToken cancellationToken)
        where TResult : TBase, new()
    {
        var began = clock.GetTimestamp();
        var outcome = "given up";
        var context = NextContext();
        using var span = WoodyTelemetry.Source.StartActivity($"{_service}/{method}", ActivityKind.Client);
        if (span is not null)
        {
            span.SetTag("rpc.system", "apache_thrift").SetTag("rpc.service", _service).SetTag("rpc.method", method);
            WoodyTelemetry.Describe(span, context);
        }

        try
        {
            var response = await ExchangeAsync<TResult>(method, args, context, cancellationToken);
            outcome = "success";
            return response;
        }
        catch (WoodyCallException e)
        {
            outcome = e.Outcome switch
            {
                WoodyOutcome.NotDone => "not done",
                WoodyOutcome.Unknown => "unknown",
                WoodyOutcome.Refused => "refused",
                _ => "failed",
            };
            throw;
        }
        finally
        {
            if (outcome != "success")
                span?.SetStatus(ActivityStatusCode.Error, outcome);
            WoodyTelemetry.Called(_service, method, outcome, clock.GetElapsedTime(began));
        }
    }

    private static WoodyContext NextContext()
    {
        var serving = WoodyContext.Current ?? WoodyContext.NewRoot();
        return serving with { ParentId = serving.SpanId, SpanId = WoodyContext.NewId() };
    }

    private async Task<WoodyResponse<TResult>> ExchangeAsync<TResult>(
        string method,
        TBase args,
        WoodyContext context,
        CancellationToken cancellationToken)
        where TResult : TBase, new()
    {
        var sequence = Interlocked.Increment(ref _sequence) & int.MaxValue;
        var body = new CallContent(ThriftMessage.Serialize(new TMessage(method, TMessageType.Call, sequence), args));
        using var request = CreateRequest(body, context);
        using var time = new CancellationTokenSource(timeout, clock);
        await using var givenUp = cancellationToken.UnsafeRegister(static time => ((CancellationTokenSource)time!).Cancel(), time);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, time.Token);
            if (response.StatusCode != HttpStatusCode.OK)
                throw Sort(method, response);
            var reply = await response.Content.ReadAsByteArrayAsync(time.Token);
            return new WoodyResponse<TResult>(ReadReply<TResult>(method, sequence, reply), response.Headers);
        }
        catch (Exception e) when (!body.MayBeSent && (e is HttpRequestException or IOException or OperationCanceledException))
        {
            // Whatever it was, a name that is not known, a connect time-out or a certificate, the peer has nothing of the call.
            var reason = cancellationToken.IsCancellationRequested ? "the caller gave up"
                : time.IsCancellationRequested ? $"none within {timeout}"
                : e.GetBaseException().Message;
            throw new WoodyCallException(
                WoodyOutcome.NotDone, WoodyErrorClass.ResourceUnavailable, $"{method} at {url}: no connection ({reason})", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new WoodyCallException(
                WoodyOutcome.Unknown, WoodyErrorClass.ResultUnknown, $"{method} at {url}: the answer was lost ({e.Message})", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new WoodyCallException(
                WoodyOutcome.Unknown, WoodyErrorClass.ResultUnknown, $"{method} at {url}: no answer within {timeout}", e);
        }
    }

    private HttpRequestMessage CreateRequest(CallContent body, WoodyContext context)
    {
        body.Headers.ContentType = ThriftMediaType;
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = body };
        var headers = request.Headers;
        headers.Accept.Add(ThriftAccepted);
        headers.TryAddWithoutValidation(WoodyHeaders.TraceId, context.TraceId);
        headers.TryAddWithoutValidation(WoodyHeaders.SpanId, context.SpanId);
        headers.TryAddWithoutValidation(WoodyHeaders.ParentId, context.ParentId);
        if (context.Deadline is { } deadline)
            headers.TryAddWithoutValidation(WoodyHeaders.Deadline, ThriftTimestamp.Format(deadline));
        foreach (var (name, value) in context.Meta)
            headers.TryAddWithoutValidation(name, value);
        DistributedContextPropagator.Current.Inject(
            Activity.Current, headers, static (carrier, name, value) => ((HttpRequestHeaders)carrier!).TryAddWithoutValidation(name, value));
        return request;
    }

    private TResult ReadReply<TResult>(string method, int sequence, byte[] body)
        where TResult : TBase, new()
    {
        try
        {
            var reply = ThriftMessage.Open(body);
            if (reply.Envelope.Type == TMessageType.Exception)
                throw Failed($"{method} at {url}: {reply.ReadException().Message}");
            if (reply.Envelope.Type != TMessageType.Reply || reply.Envelope.Name != method || reply.Envelope.SeqID != sequence)
            {
                throw Failed(
                    $"{method} at {url}: the reply is to another call ({reply.Envelope.Name}, {reply.Envelope.SeqID})");
            }

            return reply.ReadBody<TResult>();
        }
        catch (ThriftFormatException e)
        {
            throw Failed($"{method} at {url}: the reply cannot be read ({e.Message})", e);
        }
    }

    private WoodyCallException Sort(string method, HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        var errorClass = ReadClass(WoodyHeaders.Find(response.Headers, WoodyHeaders.ErrorClass));
        var reason = WoodyHeaders.Find(response.Headers, WoodyHeaders.ErrorReason);
        var outcome = (status, errorClass) switch
        {
            (502 or 503, WoodyErrorClass.ResourceUnavailable) => WoodyOutcome.NotDone,
            (504, _) => WoodyOutcome.Unknown,
            (400, WoodyErrorClass.ResultUnexpected) => WoodyOutcome.Refused,
            (_, WoodyErrorClass.ResultUnexpected) => WoodyOutcome.Failed,
            // The peer says that it does not know, or contradicts itself; or it is not the peer who answers, but a proxy, which may have
            // passed the call on.
            _ => WoodyOutcome.Unknown,
        };
        return new WoodyCallException(
            outcome,
            errorClass ?? WoodyErrorClass.ResultUnknown,
            $"{method} at {url}: HTTP {status} ({errorClass ?? "no error class"}: {reason ?? response.ReasonPhrase})")
        {
            HttpStatus = status,
            ErrorReason = reason,
        };
    }

    private static WoodyCallException Failed(string message, Exception? cause = null) =>
        new(WoodyOutcome.Failed, WoodyErrorClass.ResultUnexpected, message, cause) { HttpStatus = (int)HttpStatusCode.OK };

    /// <summary>A class in the spelling of <see cref="WoodyErrorClass"/> if it is one of those; null for none.</summary>
    private static string? ReadClass(string? errorClass) =>
        string.IsNullOrWhiteSpace(errorClass)
            ? null
            : KnownClasses.FirstOrDefault(known => string.Equals(known, errorClass.Trim(), StringComparison.OrdinalIgnoreCase))
                ?? errorClass.Trim();

    /// <summary>A call's body, which knows whether any of it may have been sent.</summary>
    /// <remarks>
    /// A request waits for a connection, then its headers and its body are written to it. Without the body, which is never empty, the peer
    /// has no call, so nothing else needs watching. A handler that reads the body for its own ends makes it look sent, which is safe.
    /// </remarks>
    private sealed class CallContent(byte[] body) : HttpContent
    {
        private volatile bool _mayBeSent;

        public bool MayBeSent => _mayBeSent;

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            _mayBeSent = true;
            return stream.WriteAsync(body, cancellationToken).AsTask();
        }

        protected override bool TryComputeLength(out long length)
        {
            length = body.Length;
            return true;
        }
    }
}
