using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PayoutManager.Testing;
using PayoutManager.Thrift.Domain;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests;

/// <summary>A host in this process with everything embedded that a test does not configure, and ways to call it.</summary>
public sealed class RunningHost : IAsyncDisposable
{
    private readonly PayoutHost _host;

    private RunningHost(PayoutHost host) => _host = host;

    public HttpClient Http { get; } = new(new SocketsHttpHandler { UseProxy = false });

    public Uri ThriftUrl => _host.ThriftUrl;

    public Uri ManagementUrl => _host.ManagementUrl;

    internal PayoutHost Host => _host;

    /// <summary>Starts a host and waits until it is ready.</summary>
    public static Task<RunningHost> StartAsync(params (string Key, string Value)[] configuration) => StartAsync(log: null, configuration);

    /// <summary>Starts a host whose log is kept, and waits until it is ready.</summary>
    public static async Task<RunningHost> StartAsync(LogRecorder? log, params (string Key, string Value)[] configuration)
    {
        var host = new RunningHost(await PayoutHost.StartAsync([], Environments.Development, builder =>
        {
            builder.Configuration["Kestrel:Endpoints:Thrift:Url"] = "http://127.0.0.1:0";
            builder.Configuration["Kestrel:Endpoints:Management:Url"] = "http://127.0.0.1:0";
            foreach (var (key, value) in configuration)
                builder.Configuration[key] = value;
            builder.Logging.ClearProviders();
            if (log is not null)
                builder.Logging.AddProvider(log);
        }));
        await Sql.UntilAsync(async () =>
        {
            using var ready = await host.Http.GetAsync(new Uri(host.ManagementUrl, "health/ready"));
            return ready.IsSuccessStatusCode;
        });
        return host;
    }

    public async Task<HttpResponseMessage> PostAsync(
        byte[] body, Action<HttpRequestMessage>? change = null, string contentType = "application/x-thrift")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, ThriftUrl) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        change?.Invoke(request);
        return await Http.SendAsync(request);
    }

    internal async Task<TResult> CallAsync<TResult>(string method, TBase args, Action<HttpRequestMessage>? change = null)
        where TResult : TBase, new()
    {
        using var response = await PostAsync(ThriftMessage.Serialize(new TMessage(method, TMessageType.Call, 1), args), change);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new WoodyCallException(
                response.StatusCode switch
                {
                    HttpStatusCode.ServiceUnavailable => WoodyOutcome.NotDone,
                    HttpStatusCode.GatewayTimeout => WoodyOutcome.Unknown,
                    HttpStatusCode.BadRequest => WoodyOutcome.Refused,
                    _ => WoodyOutcome.Failed,
                },
                response.Headers.GetValues("woody.error-class").Single(),
                $"{(int)response.StatusCode} {response.Headers.GetValues("woody.error-reason").Single()}");
        }

        return ThriftMessage.Open(await response.Content.ReadAsByteArrayAsync()).ReadBody<TResult>();
    }

    /// <summary>The payout, or the declared exception by its name.</summary>
    internal async Task<(Payout? Payout, string? Refusal)> CreateAsync(
        string? id, long amount = 100_000, string shop = "shop-1", string party = "party-1", Action<HttpRequestMessage>? change = null, string currency = "RUB")
    {
        var result = await CallAsync<Calls.CreatePayout_result>("CreatePayout", CreateArgs(id, amount, shop, party, currency), change);
        return (result.Success, result switch
        {
            { Success: not null } => null,
            { Ex1: not null } => nameof(InsufficientFunds),
            { Ex2: { } invalid } => string.Join("; ", invalid.Errors!),
            { Ex3: not null } => nameof(PayoutAlreadyExists),
            _ => result.Ex4!.Message,
        });
    }

    /// <summary>Repeats a call while it is not done, as a caller does when a payout is busy.</summary>
    internal static async Task<T> RepeatAsync<T>(Func<Task<T>> call)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (WoodyCallException e) when (e.Outcome == WoodyOutcome.NotDone)
            {
                // Nothing was done.
            }
        }
    }

    internal static Calls.CreatePayout_args CreateArgs(
        string? id, long amount, string shop = "shop-1", string party = "party-1", string currency = "RUB") => new()
        {
            PayoutParams = new PayoutParams(new ShopParams(party, shop), new Cash(amount, new CurrencyRef(currency))) { PayoutId = id },
        };

    internal async Task<Payout> GetAsync(string id) =>
        (await CallAsync<Calls.GetPayout_result>("GetPayout", new Calls.GetPayout_args { PayoutId = id })).Success
        ?? throw new InvalidOperationException($"{id} is not found");

    internal async Task ConfirmAsync(string id) => Assert.Null(
        (await CallAsync<Calls.ConfirmPayout_result>("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = id })).Ex1);

    internal async Task CancelAsync(string id, string details = "why") => Assert.Null(
        (await CallAsync<Calls.CancelPayout_result>(
            "CancelPayout", new Calls.CancelPayout_args { PayoutId = id, Details = details })).Ex1);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _host.DisposeAsync();
    }
}
