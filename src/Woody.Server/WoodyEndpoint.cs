using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol.Entities;

namespace PayoutManager.Woody.Server;

/// <summary>Serves a Thrift service over HTTP, with every outcome in the form that woody gives it.</summary>
public sealed class WoodyEndpoint
{
    private const int LongestReason = 512;

    // Timers take no more; a deadline beyond is as good as none.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(24);

    private static readonly TimeSpan LongestAnswering = TimeSpan.FromMilliseconds(250);

    private readonly WoodyService _service;
    private readonly WoodyEndpointOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<WoodyEndpoint> _logger;

    /// <summary>An endpoint for a service.</summary>
    public WoodyEndpoint(
        WoodyService service,
        WoodyEndpointOptions options,
        TimeProvider clock,
        ILogger<WoodyEndpoint> logger)
    {
        _service = service;
        _options = options;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>Answers a request, whatever it is.</summary>
    public async Task ServeAsync(HttpContext http)
    {
        var began = _clock.GetTimestamp();
        using var trace = CarriedTrace.Begin(http.Request.Headers);
        WoodyServerTelemetry.Began(_options.Service);
        var context = WoodyRequestReader.ReadIds(http.Request.Headers);
        var headers = http.Response.Headers;
        headers[WoodyHeaders.TraceId] = context.TraceId;
        headers[WoodyHeaders.SpanId] = context.SpanId;
        headers[WoodyHeaders.ParentId] = context.ParentId;

        var call = new ServedCall(context);
        using var scope = _logger.BeginScope(call);
        try
        {
            await AnswerAsync(http, context, call);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            call.Outcome = "caller gone";
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            var error = Sort(e, call.Method);
            call.Outcome = error.Name ?? error.ErrorClass;
            http.Response.StatusCode = error.Status;
            headers[WoodyHeaders.ErrorClass] = error.ErrorClass;
            headers[WoodyHeaders.ErrorReason] = Printable.Of(error.Reason, LongestReason);
            if (error.Status == StatusCodes.Status405MethodNotAllowed)
                headers.Allow = HttpMethods.Post;
        }

        Report(http, context, call, _clock.GetElapsedTime(began));
    }

    private async Task AnswerAsync(HttpContext http, WoodyContext ids, ServedCall call)
    {
        var meta = WoodyRequestReader.ReadMeta(http.Request.Headers);
        call.Actor = CallerIdentity.Of(http.Connection.ClientCertificate, meta);
        WoodyRequestReader.CheckForm(http.Request, _options.Path);
        var context = WoodyRequestReader.ReadHeaders(
            http.Request.Headers, ids with { Meta = meta }, _clock.GetUtcNow() + _options.DefaultDeadline);
        using var visit = _options.Gate.Enter();
        var message = ThriftMessage.Open(
            await WoodyRequestReader.ReadBodyAsync(http, _options.MaxBodySize, visit.TakeRoom));
        var reply = await ReplyAsync(http, message, context, call);
        if (reply.DeclaredException is { } declared)
        {
            call.Outcome = declared;
            http.Response.Headers[WoodyHeaders.ErrorClass] = WoodyErrorClass.BusinessError;
            http.Response.Headers[WoodyHeaders.ErrorReason] = reply.Detail is { } detail ? $"{declared}: {detail}" : declared;
        }

        foreach (var (name, value) in reply.Headers)
            http.Response.Headers[name] = value;

        var body = ThriftMessage.Serialize(
            new TMessage(call.Method, TMessageType.Reply, message.Envelope.SeqID), reply.Result);
        http.Response.ContentType = WoodyHeaders.ContentType;
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    private async Task<WoodyReply> ReplyAsync(HttpContext http, ThriftMessage message, WoodyContext context, ServedCall call)
    {
        var (name, type) = (message.Envelope.Name, message.Envelope.Type);
        if (type != TMessageType.Call)
            throw WoodyRequestReader.BadRequest($"the message is of type {(int)type}, not a call");
        var read = _service.Find(name) ?? throw WoodyRequestReader.BadRequest($"unknown method {name}");
        call.Method = name;
        if (_options.Refuse(http, name) is { } reason)
        {
            WoodyLog.Refused(_logger, name, call.ActorInLog, http.Connection.RemoteIpAddress, reason);
            throw new WoodyErrorException(WoodyError.Forbidden(reason));
        }

        var (subject, serveAsync) = read(message);
        call.Subject = subject;

        var left = context.Deadline!.Value - _clock.GetUtcNow();
        if (left <= TimeSpan.Zero)
            throw new WoodyErrorException(WoodyError.Unavailable("the deadline had already passed"));
        // Giving up a little early lets the answer, which says whether anything was done, arrive in time.
        var answering = left / 10 < LongestAnswering ? left / 10 : LongestAnswering;
        var working = left - answering < LongestWait ? left - answering : LongestWait;
        WoodyContext.Current = context with { WorkUntil = _clock.GetUtcNow() + working, Actor = call.Actor };
        using var deadline = new CancellationTokenSource(working, _clock);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _options.Gate.Ending);
        var reply = await serveAsync(end.Token);
        call.Subject ??= reply.Subject;
        return reply;
    }

    private void Report(HttpContext http, WoodyContext context, ServedCall call, TimeSpan duration)
    {
        var status = http.Response.StatusCode;
        WoodyServerTelemetry.Ended(_options.Service, call, status, duration);
        if (http.Features.Get<IHttpActivityFeature>()?.Activity is { } span)
            WoodyServerTelemetry.Describe(span, _options.Service, call, context, status);
        WoodyLog.Served(
            _logger,
            call.Method,
            call.Subject ?? "-",
            call.ActorInLog,
            status,
            call.Outcome,
            duration.TotalMilliseconds,
            context.TraceId);
    }

    private WoodyError Sort(Exception e, string method)
    {
        switch (e)
        {
            case WoodyErrorException refusal:
                return refusal.Error;
            case ThriftFormatException malformed:
                return WoodyError.BadRequest(malformed.Message);
            case OperationCanceledException:
                return WoodyError.Unknown("the deadline has passed");
        }

        if (_options.Sort(e) is { } sorted)
            return sorted;
        WoodyLog.Failed(_logger, method, e);
        return WoodyError.Unexpected("internal error");
    }
}

/// <summary>Puts endpoints into a pipeline.</summary>
public static class WoodyEndpointExtensions
{
    /// <summary>Answers everything that comes here; the service's path is the only one there is.</summary>
    public static IApplicationBuilder RunWoody(this IApplicationBuilder app, WoodyService service, WoodyEndpointOptions options)
    {
        var endpoint = new WoodyEndpoint(
            service,
            options,
            app.ApplicationServices.GetRequiredService<TimeProvider>(),
            app.ApplicationServices.GetRequiredService<ILogger<WoodyEndpoint>>());
        app.Run(endpoint.ServeAsync);
        return app;
    }
}
