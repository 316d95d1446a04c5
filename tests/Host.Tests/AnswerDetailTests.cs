using System.Net;
using PayoutManager.Testing;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Host.Tests;

/// <summary>What answers say beyond the contract, and who is noted for a change.</summary>
public sealed class AnswerDetailTests(SharedHost shared) : IClassFixture<SharedHost>
{
    private readonly string _id = shared.NewId();

    private RunningHost Host => shared.Host;

    [Theory]
    [InlineData(0, "InsufficientFunds: amount not positive")]
    [InlineData(2_500, "InsufficientFunds: nothing left after fees")]
    [InlineData(20_000_000, "InsufficientFunds: not enough money")]
    public async Task Insufficient_funds_have_a_reason_after_the_name(long amount, string reason)
    {
        using var response = await PostAsync("CreatePayout", RunningHost.CreateArgs(_id, amount));

        Assert.Equal((HttpStatusCode.OK, "Business Error", reason), (response.StatusCode, Header(response, "woody.error-class"), Header(response, "woody.error-reason")));
    }

    [Fact]
    public async Task A_taken_id_says_whether_it_is_by_the_same_request()
    {
        await Host.CreateAsync(_id);

        Assert.Equal("true", await SameRequestAsync(RunningHost.CreateArgs(_id, 100_000)));
        Assert.Equal("false", await SameRequestAsync(RunningHost.CreateArgs(_id, 100_001)));
        Assert.Equal("false", await SameRequestAsync(RunningHost.CreateArgs(_id, 100_000, "shop-2")));
        await Sql.ExecuteAsync(shared.Peers.ConnectionString, $"UPDATE pm.payout SET request_digest = NULL WHERE payout_id = '{_id}'");
        Assert.Null(await SameRequestAsync(RunningHost.CreateArgs(_id, 100_000)));
    }

    [Fact]
    public async Task Each_change_keeps_who_asked_for_it()
    {
        await Host.CreateAsync(_id, change: request => request.Headers.Add("woody.meta.user-identity.username", "scheduler"));
        await PostAsync("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = _id }, ("id", "42"), ("username", "ivan"), ("email", "ivan@example.org"), ("realm", "internal"));
        await Host.CancelAsync(_id);

        Assert.Equal(
            ["username=scheduler", "id=42 username=ivan email=ivan@example.org realm=internal", "(nobody)"],
            await Sql.QueryAsync(shared.Peers.ConnectionString, $"SELECT coalesce(actor, '(nobody)') FROM pm.payout_event WHERE payout_id = '{_id}' ORDER BY sequence_id"));
    }

    /// <summary>It is stored together with others' writes, which it must not take down.</summary>
    [Fact]
    public async Task Whoever_calls_itself_something_long_is_noted_by_the_first_512_characters()
    {
        await Host.CreateAsync(_id, change: request => request.Headers.Add("woody.meta.user-identity.username", new string('x', 502) + "ivan the first"));

        Assert.Equal(
            [$"username={new string('x', 502)}i"],
            await Sql.QueryAsync(shared.Peers.ConnectionString, $"SELECT actor FROM pm.payout_event WHERE payout_id = '{_id}'"));
    }

    private async Task<string?> SameRequestAsync(TBase args)
    {
        using var response = await PostAsync("CreatePayout", args);
        Assert.Equal("PayoutAlreadyExists", Header(response, "woody.error-reason"));
        return Header(response, "payout.same-request");
    }

    private Task<HttpResponseMessage> PostAsync(string method, TBase args, params (string Name, string Value)[] identity) => Host.PostAsync(
        ThriftMessage.Serialize(new TMessage(method, TMessageType.Call, 1), args),
        request =>
        {
            foreach (var (name, value) in identity)
                request.Headers.Add($"woody.meta.user-identity.{name}", value);
        });

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.Single() : null;
}
