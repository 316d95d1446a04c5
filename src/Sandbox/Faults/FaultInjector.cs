using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Sandbox.Faults;

/// <summary>Lets calls go wrong on their way in or out, as networks and crashing servers do.</summary>
public sealed class FaultInjector
{
    private readonly Lock _lock = new();
    private readonly Random _random = new(1);
    private readonly Dictionary<Fault, long> _counts = [];
    private volatile FaultSettings _settings = new();
    private int? _left;

    /// <summary>How often calls go wrong from now on.</summary>
    /// <exception cref="ArgumentException">The settings make no sense.</exception>
    public FaultSettings Settings
    {
        get => _settings;
        set
        {
            if (value.FindFault() is { } fault)
                throw new ArgumentException(fault, nameof(value));
            lock (_lock)
                (_settings, _left) = (value, value.Count);
        }
    }

    /// <summary>How many calls will still go wrong; null for no end.</summary>
    public int? Left
    {
        get
        {
            lock (_lock)
                return _left;
        }
    }

    /// <summary>How many calls have gone wrong, by the way in which they did.</summary>
    public IReadOnlyDictionary<Fault, long> Counts
    {
        get
        {
            lock (_lock)
                return new Dictionary<Fault, long>(_counts);
        }
    }

    /// <summary>Serves a call, or lets it go wrong.</summary>
    internal async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        if (!HttpMethods.IsPost(http.Request.Method))
        {
            // No call, but somebody who looks whether there is an answer.
            await next(http);
            return;
        }

        if (_settings.Latency is { Ticks: > 0 } latency)
            await Task.Delay(latency, TimeProvider.System);
        // Who asks for a method or a text needs the body read; all others are served as they come.
        var call = _settings is { Method: null, Containing: null } ? null : await DetachedCall.ReadAsync(http);
        if (Draw(http.Request.Path, call) is not var (fault, delay))
        {
            if (call is not null)
                http.Request.Body = new MemoryStream(call.Body);
            await next(http);
            return;
        }

        call ??= await DetachedCall.ReadAsync(http);
        switch (fault)
        {
            case Fault.Unavailable:
                Answer(http, StatusCodes.Status503ServiceUnavailable, "Resource Unavailable");
                break;
            case Fault.RequestLost:
                http.Abort();
                break;
            case Fault.AnswerLost:
                await call.RunAsync(next);
                http.Abort();
                break;
            case Fault.Unknown:
                await call.RunAsync(next);
                Answer(http, StatusCodes.Status504GatewayTimeout, "Result Unknown");
                break;
            case Fault.Late:
                await Task.Delay(delay, TimeProvider.System);
                await (await call.RunAsync(next)).CopyToAsync(http);
                break;
            case Fault.Doubled:
                await (await call.RunAsync(next)).CopyToAsync(http);
                _ = RepeatAsync(call, delay, next);
                break;
            case Fault.Undeclared:
                Answer(http, StatusCodes.Status500InternalServerError, "Result Unexpected");
                break;
            case Fault.UndeclaredAfterEffect:
                await call.RunAsync(next);
                Answer(http, StatusCodes.Status500InternalServerError, "Result Unexpected");
                break;
            case Fault.ProxyUnavailable:
                await call.RunAsync(next);
                http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                break;
            case Fault.ProxyBadGateway:
                await call.RunAsync(next);
                http.Response.StatusCode = StatusCodes.Status502BadGateway;
                break;
            case Fault.ProxyTimeout:
                await call.RunAsync(next);
                http.Response.StatusCode = StatusCodes.Status504GatewayTimeout;
                break;
            case Fault.ConnectionReset:
                await call.RunAsync(next);
                // A socket that is closed without waiting sends a reset instead of an end.
                http.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket.Close(timeout: 0);
                http.Abort();
                break;
        }
    }

    private static async Task RepeatAsync(DetachedCall call, TimeSpan delay, RequestDelegate next)
    {
        await Task.Delay(delay, TimeProvider.System);
        await call.RunAsync(next);
    }

    private static void Answer(HttpContext http, int status, string errorClass)
    {
        http.Response.StatusCode = status;
        http.Response.Headers["woody.error-class"] = errorClass;
        http.Response.Headers["woody.error-reason"] = "a fault of the sandbox";
    }

    private (Fault Fault, TimeSpan Delay)? Draw(PathString path, DetachedCall? call)
    {
        if (_settings.Rate == 0)
            return null;
        lock (_lock)
        {
            var settings = _settings;
            if (_left == 0
                || (settings.Path is not null && path != settings.Path)
                || (settings.Method is not null && call?.Method != settings.Method)
                || (settings.Containing is { } text && call?.Body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) is null or < 0)
                || _random.NextDouble() >= settings.Rate)
            {
                return null;
            }

            _left--;
            var fault = settings.Kinds[_random.Next(settings.Kinds.Count)];
            _counts[fault] = _counts.GetValueOrDefault(fault) + 1;
            return (fault, settings.LongestDelay * _random.NextDouble());
        }
    }

    /// <summary>A call that does not depend on its connection any more.</summary>
    private sealed class DetachedCall(string path, HeaderDictionary headers, byte[] body)
    {
        public byte[] Body => body;

        /// <summary>The method that is called; null if the body does not say.</summary>
        public string? Method { get; } = ReadMethod(body);

        public static async Task<DetachedCall> ReadAsync(HttpContext http)
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            return new DetachedCall(
                http.Request.Path,
                new HeaderDictionary(http.Request.Headers.ToDictionary(StringComparer.OrdinalIgnoreCase)),
                body.ToArray());
        }

        private static string? ReadMethod(byte[] body)
        {
            try
            {
                return ThriftMessage.Open(body).Envelope.Name;
            }
            catch (ThriftFormatException)
            {
                return null;
            }
        }

        public async Task<DetachedAnswer> RunAsync(RequestDelegate next)
        {
            var answer = new MemoryStream();
            var http = new DefaultHttpContext();
            http.Request.Method = HttpMethods.Post;
            http.Request.Path = path;
            foreach (var (name, values) in headers)
                http.Request.Headers[name] = values;
            http.Request.Body = new MemoryStream(body);
            http.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(answer));
            await next(http);
            return new DetachedAnswer(http.Response.StatusCode, http.Response.Headers, answer.ToArray());
        }
    }

    private sealed record DetachedAnswer(int Status, IHeaderDictionary Headers, byte[] Body)
    {
        public async Task CopyToAsync(HttpContext http)
        {
            if (http.RequestAborted.IsCancellationRequested)
                return;
            http.Response.StatusCode = Status;
            foreach (var (name, values) in Headers)
                http.Response.Headers[name] = values;
            try
            {
                await http.Response.Body.WriteAsync(Body, http.RequestAborted);
            }
            catch (OperationCanceledException)
            {
                // The caller is gone.
            }
        }
    }
}
