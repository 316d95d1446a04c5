using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using PayoutManager.Testing;
using PayoutManager.Thrift.Base;
using PayoutManager.Thrift.Domain;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Client.Tests;

public sealed class PayoutManagerClientTests : IAsyncLifetime
{
    private ScriptedPeer _peer = null!;
    private ServiceProvider _services = null!;

    public async Task InitializeAsync()
    {
        _peer = await ScriptedPeer.StartAsync();
        _services = Services(options => options.Url = _peer.Url);
    }

    public async Task DisposeAsync()
    {
        await _services.DisposeAsync();
        await _peer.DisposeAsync();
    }

    [Fact]
    public async Task A_create_answers_the_payout()
    {
        Answer(new Calls.CreatePayout_result { Success = Stored("p1") });

        Assert.Equal("p1", (await Client().CreateAsync(Asked("p1"))).PayoutId);
        Assert.Single(_peer.Requests);
    }

    [Fact]
    public async Task Refusals_are_the_contract_s_and_are_not_repeated()
    {
        Answer(new Calls.CreatePayout_result { Ex1 = new InsufficientFunds() });
        await Assert.ThrowsAsync<InsufficientFunds>(() => Client().CreateAsync(Asked("p1")));
        Answer(new Calls.CreatePayout_result { Ex2 = new InvalidRequest(["shop_id must not be empty"]) });
        Assert.Equal(["shop_id must not be empty"], (await Assert.ThrowsAsync<InvalidRequest>(() => Client().CreateAsync(Asked("p1")))).Errors);
        Answer(new Calls.CreatePayout_result { Ex3 = new PayoutAlreadyExists() });
        await Assert.ThrowsAsync<PayoutAlreadyExists>(() => Client().CreateAsync(Asked("p1")));
        Answer(new Calls.GetPayout_result { Ex1 = new NotFound { Message = "gone" } });
        await Assert.ThrowsAsync<NotFound>(() => Client().GetAsync("p1"));
        Answer(new Calls.ConfirmPayout_result { Ex1 = new NotFound() });
        await Assert.ThrowsAsync<NotFound>(() => Client().ConfirmAsync("p1"));
        Answer(new Calls.CancelPayout_result { Ex1 = new NotFound() });
        await Assert.ThrowsAsync<NotFound>(() => Client().CancelAsync("p1", "why"));

        Assert.Equal(6, _peer.Requests.Count);
    }

    [Theory]
    [InlineData(503)]
    [InlineData(504)]
    public async Task What_was_not_done_or_is_unknown_is_repeated_where_it_can_do_no_harm(int status)
    {
        foreach (var (call, reply) in ((Func<Task> Call, TBase Reply)[])
        [
            (() => Client().CreateAsync(Asked("p1")), new Calls.CreatePayout_result { Success = Stored("p1") }),
            (() => Client().GetAsync("p1"), new Calls.GetPayout_result { Success = Stored("p1") }),
            (() => Client().ConfirmAsync("p1"), new Calls.ConfirmPayout_result()),
            (() => Client().CancelAsync("p1", "why"), new Calls.CancelPayout_result()),
        ])
        {
            var before = _peer.Requests.Count;
            _peer.Script.Clear();
            _peer.Script.Enqueue(ScriptedPeer.Status(status));
            _peer.Script.Enqueue(Reply(reply));

            await call();

            Assert.Equal(2, _peer.Requests.Count - before);
        }
    }

    [Fact]
    public async Task A_create_without_an_id_is_repeated_only_if_it_was_not_done()
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(503));
        _peer.Script.Enqueue(ScriptedPeer.Status(504));

        var e = await Assert.ThrowsAsync<WoodyCallException>(() => Client().CreateAsync(Asked(null)));

        Assert.Equal(WoodyOutcome.Unknown, e.Outcome);
        Assert.Equal(2, _peer.Requests.Count);
    }

    [Fact]
    public async Task A_create_that_finds_its_own_earlier_try_done_answers_that_payout()
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(504));
        _peer.Script.Enqueue(Reply(new Calls.CreatePayout_result { Ex3 = new PayoutAlreadyExists() }));
        _peer.Script.Enqueue(Reply(new Calls.GetPayout_result { Success = Stored("p1") }));

        Assert.Equal("p1", (await Client().CreateAsync(Asked("p1"))).PayoutId);
    }

    [Fact]
    public async Task But_not_somebody_else_s()
    {
        var theirs = Stored("p1");
        theirs.ShopId = "shop-2";
        _peer.Script.Enqueue(ScriptedPeer.Status(504));
        _peer.Script.Enqueue(Reply(new Calls.CreatePayout_result { Ex3 = new PayoutAlreadyExists() }));
        _peer.Script.Enqueue(Reply(new Calls.GetPayout_result { Success = theirs }));

        await Assert.ThrowsAsync<PayoutAlreadyExists>(() => Client().CreateAsync(Asked("p1")));
    }

    [Fact]
    public async Task An_unexpected_error_is_told_at_once()
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(500, "Result Unexpected"));

        Assert.Equal(WoodyOutcome.Unexpected, (await Assert.ThrowsAsync<WoodyCallException>(() => Client().ConfirmAsync("p1"))).Outcome);
        Assert.Single(_peer.Requests);
    }

    [Fact]
    public async Task The_deadline_ends_all_tries_and_says_what_is_known()
    {
        await using var hasty = Services(options => (options.Url, options.Deadline) = (_peer.Url, TimeSpan.FromSeconds(1)));
        var client = hasty.GetRequiredService<IPayoutManagerClient>();

        _peer.Script.Enqueue(ScriptedPeer.Status(503));
        Assert.Equal(WoodyOutcome.NotDone, (await Assert.ThrowsAsync<WoodyCallException>(() => client.ConfirmAsync("p1"))).Outcome);
        _peer.Script.Clear();
        _peer.Script.Enqueue(ScriptedPeer.Status(504));
        Assert.Equal(WoodyOutcome.Unknown, (await Assert.ThrowsAsync<WoodyCallException>(() => client.ConfirmAsync("p1"))).Outcome);
    }

    [Fact]
    public async Task Giving_up_is_the_caller_s()
    {
        _peer.Script.Enqueue(ScriptedPeer.Silence);
        using var given = new CancellationTokenSource();
        var call = Client().GetAsync("p1", given.Token);
        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task The_call_goes_on_under_the_caller_s_trace_and_earlier_deadline()
    {
        Answer(new Calls.GetPayout_result { Success = Stored("p1") });
        var ours = WoodyContext.NewRoot() with { Deadline = new DateTimeOffset(TimeProvider.System.GetUtcNow().Ticks / 10_000_000 * 10_000_000, TimeSpan.Zero).AddSeconds(10) };
        WoodyContext.Current = ours;

        await Client().GetAsync("p1");

        var request = _peer.Requests.Single();
        Assert.Equal(
            (ours.TraceId, ours.SpanId, ThriftTimestamp.Format(ours.Deadline!.Value)),
            (request.Headers["woody.trace-id"], request.Headers["woody.parent-id"], request.Headers["woody.deadline"]));
        Assert.Equal(ours, WoodyContext.Current);
    }

    [Fact]
    public void Wrong_options_are_named_all_of_them()
    {
        using var services = Services(options => (options.Url, options.Deadline, options.Timeout) = (new Uri("ftp://x"), TimeSpan.Zero, TimeSpan.Zero));

        var e = Assert.Throws<OptionsValidationException>(services.GetRequiredService<IPayoutManagerClient>);

        Assert.Equal(
            [
                "Url must be an absolute http or https address, is 'ftp://x/'.",
                "Deadline must be from 00:00:00.100 to 01:00:00, is 00:00:00.",
                "Timeout must be from 00:00:00.010 to 01:00:00, is 00:00:00.",
            ],
            e.Failures);
    }

    private IPayoutManagerClient Client() => _services.GetRequiredService<IPayoutManagerClient>();

    private static ServiceProvider Services(Action<PayoutManagerClientOptions> configure)
    {
        var services = new ServiceCollection();
        services.AddPayoutManagerClient(configure);
        return services.BuildServiceProvider();
    }

    private void Answer(TBase result)
    {
        _peer.Script.Clear();
        _peer.Script.Enqueue(Reply(result));
    }

    /// <summary>Answers whatever is asked by a result.</summary>
    private static Func<HttpContext, Task> Reply(TBase result) => async http =>
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var call = ThriftMessage.Open(body.ToArray()).Envelope;
        http.Response.ContentType = "application/x-thrift";
        await http.Response.Body.WriteAsync(ThriftMessage.Serialize(new TMessage(call.Name, TMessageType.Reply, call.SeqID), result));
    };

    private static PayoutParams Asked(string? id) =>
        new(new ShopParams("party-1", "shop-1"), new Cash(100_000, new CurrencyRef("RUB"))) { PayoutId = id };

    private static Payout Stored(string id) => new()
    {
        PayoutId = id,
        CreatedAt = "2030-01-01T00:00:00Z",
        PartyId = "party-1",
        ShopId = "shop-1",
        Status = new PayoutStatus.unpaid(new PayoutUnpaid()),
        CashFlow = [],
        PayoutToolId = "tool-1",
        Amount = 97_500,
        Fee = 2_800,
        Currency = new CurrencyRef("RUB"),
    };
}
