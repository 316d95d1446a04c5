using System.Net;
using PayoutManager.Testing;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests;

/// <summary>What answers say beyond the contract, and who is noted for a change.</summary>
public sealed class AnswerDetailTests : IAsyncLifetime
{
    private PostgresPeers _peers = null!;
    private RunningHost _host = null!;

    public async Task InitializeAsync()
    {
        _peers = await PostgresPeers.StartAsync();
        _host = await RunningHost.StartAsync(_peers.Configuration);
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _peers.DisposeAsync();
    }

    [Theory]
    [InlineData(0, "InsufficientFunds: amount not positive")]
    [InlineData(2_500, "InsufficientFunds: nothing left after fees")]
    [InlineData(20_000_000, "InsufficientFunds: not enough money")]
    public async Task Insufficient_funds_have_a_reason_after_the_name(long amount, string reason)
    {
        using var response = await PostAsync("CreatePayout", RunningHost.CreateArgs("p1", amount));

        Assert.Equal((HttpStatusCode.OK, "Business Error", reason), (response.StatusCode, Header(response, "woody.error-class"), Header(response, "woody.error-reason")));
    }

    [Fact]
    public async Task A_taken_id_says_whether_it_is_by_the_same_request()
    {
        await _host.CreateAsync("p1");

        Assert.Equal("true", await SameRequestAsync(RunningHost.CreateArgs("p1", 100_000)));
        Assert.Equal("false", await SameRequestAsync(RunningHost.CreateArgs("p1", 100_001)));
        Assert.Equal("false", await SameRequestAsync(RunningHost.CreateArgs("p1", 100_000, "shop-2")));
        await Sql.ExecuteAsync(_peers.ConnectionString, "UPDATE pm.payout SET request_digest = NULL");
        Assert.Null(await SameRequestAsync(RunningHost.CreateArgs("p1", 100_000)));
    }

    [Fact]
    public async Task Each_change_keeps_who_asked_for_it()
    {
        await _host.CreateAsync("p1", change: request => request.Headers.Add("woody.meta.user-identity.username", "scheduler"));
        await PostAsync("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = "p1" }, ("id", "42"), ("username", "ivan"), ("email", "ivan@example.org"), ("realm", "internal"));
        await _host.CancelAsync("p1");

        Assert.Equal(
            ["username=scheduler", "id=42 username=ivan email=ivan@example.org realm=internal", "(nobody)"],
            await Sql.QueryAsync(_peers.ConnectionString, "SELECT coalesce(actor, '(nobody)') FROM pm.payout_event ORDER BY sequence_id"));
    }

    /// <summary>It is stored together with others' writes, which it must not take down.</summary>
    [Fact]
    public async Task Whoever_calls_itself_something_long_is_noted_by_the_first_512_characters()
    {
        await _host.CreateAsync("p1", change: request => request.Headers.Add("woody.meta.user-identity.username", new string('x', 502) + "ivan the first"));

        Assert.Equal(
            [$"username={new string('x', 502)}i"],
            await Sql.QueryAsync(_peers.ConnectionString, "SELECT actor FROM pm.payout_event"));
    }

    private async Task<string?> SameRequestAsync(TBase args)
    {
        using var response = await PostAsync("CreatePayout", args);
        Assert.Equal("PayoutAlreadyExists", Header(response, "woody.error-reason"));
        return Header(response, "payout.same-request");
    }

    private Task<HttpResponseMessage> PostAsync(string method, TBase args, params (string Name, string Value)[] identity) => _host.PostAsync(
        ThriftMessage.Serialize(new TMessage(method, TMessageType.Call, 1), args),
        request =>
        {
            foreach (var (name, value) in identity)
                request.Headers.Add($"woody.meta.user-identity.{name}", value);
        });

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.Single() : null;
}
