using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;
using Thrift.Protocol.Entities;

namespace PayoutManager.Testing;

/// <summary>An HTTP peer that answers as it is told, call by call, and remembers what it was asked.</summary>
public sealed class ScriptedPeer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ScriptedPeer(WebApplication app) => _app = app;

    /// <summary>What to do with each call; the last stays for all further ones.</summary>
    public ConcurrentQueue<Func<HttpContext, Task>> Script { get; } = [];

    /// <summary>The headers and bodies that came, in order.</summary>
    public ConcurrentQueue<(IDictionary<string, string> Headers, byte[] Body)> Requests { get; } = [];

    /// <summary>What it answers to whoever looks whether it is there.</summary>
    public int OptionsStatus { get; set; } = StatusCodes.Status200OK;

    /// <summary>Where it is.</summary>
    public Uri Url => new(_app.Urls.First());

    /// <summary>Starts a peer on a free port.</summary>
    public static async Task<ScriptedPeer> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var peer = new ScriptedPeer(app);
        app.Run(peer.AnswerAsync);
        await app.StartAsync();
        return peer;
    }

    /// <summary>Waits until a number of calls have come.</summary>
    public async Task AskedAsync(int times)
    {
        while (Requests.Count < times)
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
    }

    /// <summary>An answer without a body.</summary>
    public static Func<HttpContext, Task> Status(int status, string? errorClass = null, string? reason = null) => http =>
    {
        http.Response.StatusCode = status;
        if (errorClass is not null)
            http.Response.Headers["woody.error-class"] = errorClass;
        if (reason is not null)
            http.Response.Headers["woody.error-reason"] = reason;
        return Task.CompletedTask;
    };

    /// <summary>A reply to whatever method is called.</summary>
    public static Func<HttpContext, Task> Reply(TBase result, params (string Name, string Value)[] headers) => ReplyBytes(
        call => ThriftMessage.Serialize(new TMessage(call.Name, TMessageType.Reply, call.SeqID), result), headers);

    /// <summary>A reply of raw bytes, made from the envelope of the call.</summary>
    public static Func<HttpContext, Task> ReplyBytes(
        Func<TMessage, byte[]> reply, params (string Name, string Value)[] headers) => async http =>
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        foreach (var (name, value) in headers)
            http.Response.Headers[name] = value;
        http.Response.ContentType = "application/x-thrift";
        await http.Response.Body.WriteAsync(reply(ThriftMessage.Open(body.ToArray()).Envelope));
    };

    /// <summary>The connection breaks before an answer.</summary>
    public static Task Abort(HttpContext http)
    {
        http.Abort();
        return Task.CompletedTask;
    }

    /// <summary>No answer, until the caller gives up.</summary>
    public static Task Silence(HttpContext http) =>
        Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, http.RequestAborted)
            .ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    /// <summary>Passes calls on to another peer, and its answers back.</summary>
    public static Func<HttpContext, Task> Forward(HttpClient client, Uri target, Func<HttpContext, bool>? loseAnswer = null) => async http =>
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, target) { Content = new StreamContent(http.Request.Body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", http.Request.ContentType);
        using var response = await client.SendAsync(request);
        if (loseAnswer?.Invoke(http) == true)
        {
            http.Abort();
            return;
        }

        http.Response.StatusCode = (int)response.StatusCode;
        foreach (var (name, values) in response.Headers.Where(h => h.Key.StartsWith("woody.", StringComparison.OrdinalIgnoreCase)))
            http.Response.Headers[name] = values.ToArray();
        http.Response.ContentType = response.Content.Headers.ContentType?.ToString();
        await http.Response.Body.WriteAsync(await response.Content.ReadAsByteArrayAsync());
    };

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        // No call, but somebody who looks whether there is an answer.
        if (HttpMethods.IsOptions(http.Request.Method))
        {
            http.Response.StatusCode = OptionsStatus;
            return;
        }

        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        Requests.Enqueue((http.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray()));
        http.Request.Body = new MemoryStream(body.ToArray());
        if (!Script.TryDequeue(out var answer))
            throw new InvalidOperationException("The script has no answer.");
        if (Script.IsEmpty)
            Script.Enqueue(answer);
        await answer(http);
    }
}
