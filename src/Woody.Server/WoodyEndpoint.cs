using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
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
        var context = WoodyRequestReader.ReadIds(http.Request.Headers);
        var headers = http.Response.Headers;
        headers[WoodyHeaders.TraceId] = context.TraceId;
        headers[WoodyHeaders.SpanId] = context.SpanId;
        headers[WoodyHeaders.ParentId] = context.ParentId;

        var method = "-";
        var outcome = "success";
        try
        {
            WoodyRequestReader.CheckForm(http.Request, _options.Path);
            context = WoodyRequestReader.ReadHeaders(
                http.Request.Headers, context, _clock.GetUtcNow() + _options.DefaultDeadline);
            var message = ThriftMessage.Open(await WoodyRequestReader.ReadBodyAsync(http, _options.MaxBodySize));
            var (reply, sequence) = (await ReplyAsync(message, context, name => method = name), message.Envelope.SeqID);
            if (reply.DeclaredException is { } declared)
            {
                outcome = declared;
                headers[WoodyHeaders.ErrorClass] = WoodyErrorClass.BusinessError;
                headers[WoodyHeaders.ErrorReason] = declared;
            }

            var body = ThriftMessage.Serialize(new TMessage(method, TMessageType.Reply, sequence), reply.Result);
            http.Response.ContentType = WoodyHeaders.ContentType;
            http.Response.ContentLength = body.Length;
            await http.Response.Body.WriteAsync(body, http.RequestAborted);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            outcome = "caller gone";
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            var error = Sort(e, method);
            outcome = error.ErrorClass;
            http.Response.StatusCode = error.Status;
            headers[WoodyHeaders.ErrorClass] = error.ErrorClass;
            headers[WoodyHeaders.ErrorReason] = Printable(error.Reason);
            if (error.Status == StatusCodes.Status405MethodNotAllowed)
                headers.Allow = HttpMethods.Post;
        }

        WoodyLog.Served(
            _logger, method, http.Response.StatusCode, outcome, _clock.GetElapsedTime(began).TotalMilliseconds, context.TraceId);
    }

    private async Task<WoodyReply> ReplyAsync(ThriftMessage message, WoodyContext context, Action<string> methodIs)
    {
        var (name, type) = (message.Envelope.Name, message.Envelope.Type);
        if (type != TMessageType.Call)
            throw WoodyRequestReader.BadRequest($"the message is of type {(int)type}, not a call");
        var prepare = _service.Find(name) ?? throw WoodyRequestReader.BadRequest($"unknown method {name}");
        methodIs(name);
        var call = prepare(message);

        var left = context.Deadline!.Value - _clock.GetUtcNow();
        if (left <= TimeSpan.Zero)
            throw new WoodyErrorException(WoodyError.Unavailable("the deadline had already passed"));
        // Giving up a little early lets the answer, which says whether anything was done, arrive in time.
        var answering = left / 10 < LongestAnswering ? left / 10 : LongestAnswering;
        var working = left - answering < LongestWait ? left - answering : LongestWait;
        WoodyContext.Current = context with { WorkUntil = _clock.GetUtcNow() + working };
        using var deadline = new CancellationTokenSource(working, _clock);
        return await call(deadline.Token);
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

    /// <summary>A header takes printable ASCII; whatever else a reason quotes is shown as a question mark.</summary>
    private static string Printable(string reason) =>
        string.Concat(reason.Take(LongestReason).Select(c => c is >= ' ' and <= '~' ? c : '?'));
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
