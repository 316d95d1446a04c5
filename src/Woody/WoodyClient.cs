using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;
using Thrift.Protocol.Entities;

namespace PayoutManager.Woody;

/// <summary>Calls one Thrift service over HTTP, once per call, and sorts what comes back.</summary>
/// <param name="http">Its connections; see <see cref="CreateHandler"/>.</param>
/// <param name="url">Where the service is.</param>
/// <param name="timeout">How long to wait for an answer.</param>
/// <param name="clock">Measures the time-out.</param>
/// <param name="service">The service's name in metrics and traces; null for the path of its address.</param>
public sealed class WoodyClient(HttpClient http, Uri url, TimeSpan timeout, TimeProvider clock, string? service = null)
{
    private static readonly MediaTypeHeaderValue ThriftMediaType = new(WoodyHeaders.ContentType);
    private static readonly MediaTypeWithQualityHeaderValue ThriftAccepted = new(WoodyHeaders.ContentType);

    private readonly string _service = service ?? url.AbsolutePath;
    private int _sequence;

    /// <summary>
    /// Connections as a peer of the platform wants them: no proxy, no redirects, no cookies, renewed now and then so that
    /// a moved name is noticed.
    /// </summary>
    public static SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
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
    /// <exception cref="WoodyCallException">There is no reply.</exception>
    /// <exception cref="OperationCanceledException">The call was given up; it may or may not be done.</exception>
    public async Task<TResult> CallAsync<TResult>(string method, TBase args, CancellationToken cancellationToken)
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
            var result = await ExchangeAsync<TResult>(method, args, context, cancellationToken);
            outcome = "success";
            return result;
        }
        catch (WoodyCallException e)
        {
            outcome = e.Outcome switch
            {
                WoodyOutcome.NotDone => "not done",
                WoodyOutcome.Unknown => "unknown",
                _ => "unexpected",
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

    private async Task<TResult> ExchangeAsync<TResult>(
        string method,
        TBase args,
        WoodyContext context,
        CancellationToken cancellationToken)
        where TResult : TBase, new()
    {
        var sequence = Interlocked.Increment(ref _sequence) & int.MaxValue;
        using var request = CreateRequest(new TMessage(method, TMessageType.Call, sequence), args, context);
        using var patience = new CancellationTokenSource(timeout, clock);
        await using var givenUp = cancellationToken.UnsafeRegister(static patience => ((CancellationTokenSource)patience!).Cancel(), patience);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            if (response.StatusCode != HttpStatusCode.OK)
                throw Sort(method, response);
            return ReadReply<TResult>(method, sequence, await response.Content.ReadAsByteArrayAsync(patience.Token));
        }
        catch (HttpRequestException e) when (NeverArrived(e))
        {
            throw new WoodyCallException(
                WoodyOutcome.NotDone, WoodyErrorClass.ResourceUnavailable, $"{method} at {url}: no connection ({e.Message})", e);
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

    private HttpRequestMessage CreateRequest(TMessage envelope, TBase args, WoodyContext context)
    {
        var content = new ByteArrayContent(ThriftMessage.Serialize(envelope, args));
        content.Headers.ContentType = ThriftMediaType;
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = content };
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
                throw Unexpected($"{method} at {url}: {reply.ReadException().Message}");
            if (reply.Envelope.Type != TMessageType.Reply || reply.Envelope.Name != method || reply.Envelope.SeqID != sequence)
            {
                throw Unexpected(
                    $"{method} at {url}: the reply is to another call ({reply.Envelope.Name}, {reply.Envelope.SeqID})");
            }

            return reply.ReadBody<TResult>();
        }
        catch (ThriftFormatException e)
        {
            throw Unexpected($"{method} at {url}: the reply cannot be read ({e.Message})", e);
        }
    }

    private WoodyCallException Sort(string method, HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        var errorClass = Header(response, WoodyHeaders.ErrorClass);
        var outcome = status switch
        {
            503 => WoodyOutcome.NotDone,
            504 => WoodyOutcome.Unknown,
            502 when Is(errorClass, WoodyErrorClass.ResourceUnavailable) => WoodyOutcome.NotDone,
            502 when Is(errorClass, WoodyErrorClass.ResultUnknown) => WoodyOutcome.Unknown,
            _ => WoodyOutcome.Unexpected,
        };
        var reason = Header(response, WoodyHeaders.ErrorReason) ?? response.ReasonPhrase;
        return new WoodyCallException(
            outcome,
            outcome switch
            {
                WoodyOutcome.NotDone => WoodyErrorClass.ResourceUnavailable,
                WoodyOutcome.Unknown => WoodyErrorClass.ResultUnknown,
                _ => WoodyErrorClass.ResultUnexpected,
            },
            $"{method} at {url}: HTTP {status} ({errorClass ?? "no error class"}: {reason})");
    }

    /// <summary>Whether a request cannot have reached the peer.</summary>
    private static bool NeverArrived(HttpRequestException e) =>
        e.HttpRequestError is HttpRequestError.ConnectionError
            or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError
            or HttpRequestError.ProxyTunnelError;

    private static WoodyCallException Unexpected(string message, Exception? cause = null) =>
        new(WoodyOutcome.Unexpected, WoodyErrorClass.ResultUnexpected, message, cause);

    private static bool Is(string? errorClass, string known) =>
        string.Equals(errorClass?.Trim(), known, StringComparison.OrdinalIgnoreCase);

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}
