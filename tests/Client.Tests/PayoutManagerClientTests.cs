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

    [Theory]
    [InlineData("InsufficientFunds", null)]
    [InlineData("InsufficientFunds: ", null)]
    [InlineData("InsufficientFunds: nothing left after fees", "nothing left after fees")]
    [InlineData("no such name: or other", null)]
    [InlineData(null, null)]
    public async Task Insufficient_funds_come_with_the_reason_that_the_header_gives(string? header, string? reason)
    {
        Answer(
            new Calls.CreatePayout_result { Ex1 = new InsufficientFunds() },
            header is null ? [] : [("woody.error-class", "Business Error"), ("woody.error-reason", header)]);

        var e = await Assert.ThrowsAsync<InsufficientFundsException>(() => Client().CreateAsync(Asked("p1")));

        Assert.Equal(reason, e.Reason);
        Assert.Equal(reason is null ? "There are insufficient funds." : $"There are insufficient funds: {reason}.", e.Message);
        Assert.Single(_peer.Requests);
    }

    [Fact]
    public async Task An_invalid_request_comes_with_all_of_its_errors()
    {
        Answer(new Calls.CreatePayout_result { Ex2 = new InvalidRequest(["shop_id must not be empty", "amount is too large"]) });

        var e = await Assert.ThrowsAsync<InvalidPayoutRequestException>(() => Client().CreateAsync(Asked("p1")));

        Assert.Equal(["shop_id must not be empty", "amount is too large"], e.Errors);
        Assert.Equal("The request is invalid: shop_id must not be empty; amount is too large.", e.Message);
        Assert.Single(_peer.Requests);
    }

    [Fact]
    public async Task What_is_not_found_is_named_by_the_service()
    {
        foreach (var (call, reply) in ((Func<Task> Call, TBase Reply)[])
        [
            (() => Client().CreateAsync(Asked("p1")), new Calls.CreatePayout_result { Ex4 = new NotFound { Message = "gone" } }),
            (() => Client().GetAsync("p1"), new Calls.GetPayout_result { Ex1 = new NotFound { Message = "gone" } }),
            (() => Client().ConfirmAsync("p1"), new Calls.ConfirmPayout_result { Ex1 = new NotFound { Message = "gone" } }),
            (() => Client().CancelAsync("p1", "why"), new Calls.CancelPayout_result { Ex1 = new NotFound { Message = "gone" } }),
        ])
        {
            Answer(reply);
            Assert.Equal("gone", (await Assert.ThrowsAsync<PayoutNotFoundException>(call)).Message);
        }

        Answer(new Calls.GetPayout_result { Ex1 = new NotFound() });
        Assert.NotEmpty((await Assert.ThrowsAsync<PayoutNotFoundException>(() => Client().GetAsync("p1"))).Message);
        Assert.Equal(5, _peer.Requests.Count);
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("false", false)]
    [InlineData("maybe", null)]
    [InlineData(null, null)]
    public async Task A_payout_id_that_is_taken_comes_with_what_the_service_knows_of_it(string? header, bool? same)
    {
        Answer(new Calls.CreatePayout_result { Ex3 = new PayoutAlreadyExists() }, SameRequest(header));

        var e = await Assert.ThrowsAsync<PayoutAlreadyExistsException>(() => Client().CreateAsync(Asked("p1")));

        Assert.Equal(("p1", same), (e.PayoutId, e.SameRequest));
        Assert.Single(_peer.Requests);
    }

    [Theory]
    [InlineData(503, "Resource Unavailable")]
    [InlineData(504, "Result Unknown")]
    [InlineData(503, null)]
    public async Task What_was_not_done_or_is_unknown_is_repeated_where_it_can_do_no_harm(int status, string? errorClass)
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
            _peer.Script.Enqueue(ScriptedPeer.Status(status, errorClass));
            _peer.Script.Enqueue(ScriptedPeer.Reply(reply));

            await call();

            Assert.Equal(2, _peer.Requests.Count - before);
        }
    }

    [Theory]
    [InlineData(504, "Result Unknown")]
    [InlineData(502, null)]
    public async Task A_create_without_an_id_is_repeated_only_if_it_was_not_done(int status, string? errorClass)
    {
        _peer.Script.Enqueue(NotDone);
        _peer.Script.Enqueue(ScriptedPeer.Status(status, errorClass));

        var e = await Assert.ThrowsAsync<PayoutCallException>(() => Client().CreateAsync(Asked(null)));

        Assert.Equal((WoodyOutcome.Unknown, status, "Result Unknown"), (e.Outcome, e.HttpStatus, e.ErrorClass));
        Assert.Equal(2, _peer.Requests.Count);
    }

    [Fact]
    public async Task A_create_that_finds_its_own_earlier_try_done_answers_that_payout()
    {
        FindTakenAfterUnknown("true");
        _peer.Script.Enqueue(NotDone);
        _peer.Script.Enqueue(ScriptedPeer.Reply(new Calls.GetPayout_result { Success = Stored("p1") }));

        Assert.Equal("p1", (await Client().CreateAsync(Asked("p1"))).PayoutId);
        Assert.Equal(4, _peer.Requests.Count);
    }

    [Fact]
    public async Task But_not_one_of_another_request()
    {
        FindTakenAfterUnknown("false");

        Assert.False((await Assert.ThrowsAsync<PayoutAlreadyExistsException>(() => Client().CreateAsync(Asked("p1")))).SameRequest);
        Assert.Equal(2, _peer.Requests.Count);
    }

    [Fact]
    public async Task And_never_one_of_which_the_service_does_not_know_whose_it_is()
    {
        FindTakenAfterUnknown(null);

        Assert.Equal("p1", (await Assert.ThrowsAsync<PayoutOriginUnknownException>(() => Client().CreateAsync(Asked("p1")))).PayoutId);
        Assert.Equal(2, _peer.Requests.Count);
    }

    [Fact]
    public async Task A_payout_of_its_own_that_cannot_be_read_leaves_a_create_unknown()
    {
        await using var hasty = Services(options => (options.Url, options.Deadline) = (_peer.Url, TimeSpan.FromSeconds(2)));
        FindTakenAfterUnknown("true");
        _peer.Script.Enqueue(NotDone);

        var e = await Assert.ThrowsAsync<PayoutCallException>(
            () => hasty.GetRequiredService<IPayoutManagerClient>().CreateAsync(Asked("p1")));

        Assert.Equal(WoodyOutcome.Unknown, e.Outcome);
    }

    [Theory]
    [InlineData(500, "Result Unexpected", WoodyOutcome.Failed, "ConfirmPayout failed, and may have been done: ")]
    [InlineData(502, "Result Unexpected", WoodyOutcome.Failed, "ConfirmPayout failed, and may have been done: ")]
    [InlineData(400, "Result Unexpected", WoodyOutcome.Refused, "ConfirmPayout was refused: ")]
    public async Task A_failure_and_a_refusal_are_told_at_once(int status, string errorClass, WoodyOutcome outcome, string message)
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(status, errorClass, "Cannot confirm payout p1: it is cancelled."));

        var e = await Assert.ThrowsAsync<PayoutCallException>(() => Client().ConfirmAsync("p1"));

        Assert.Equal(
            (outcome, status, errorClass, "Cannot confirm payout p1: it is cancelled."), (e.Outcome, e.HttpStatus, e.ErrorClass, e.Reason));
        Assert.StartsWith(message, e.Message, StringComparison.Ordinal);
        Assert.Contains("it is cancelled", e.Message, StringComparison.Ordinal);
        Assert.IsType<WoodyCallException>(e.InnerException);
        Assert.Single(_peer.Requests);
    }

    [Fact]
    public async Task An_empty_result_is_a_failure()
    {
        Answer(new Calls.GetPayout_result());

        Assert.Equal(WoodyOutcome.Failed, (await Assert.ThrowsAsync<PayoutCallException>(() => Client().GetAsync("p1"))).Outcome);
    }

    [Fact]
    public async Task A_refusal_says_nothing_of_an_earlier_try()
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(504, "Result Unknown"));
        _peer.Script.Enqueue(ScriptedPeer.Status(400, "Result Unexpected", "bad header"));

        var e = await Assert.ThrowsAsync<PayoutCallException>(() => Client().ConfirmAsync("p1"));

        Assert.Equal((WoodyOutcome.Unknown, 400, "bad header"), (e.Outcome, e.HttpStatus, e.Reason));
    }

    [Fact]
    public async Task The_deadline_ends_all_tries_and_says_what_is_known_of_all_of_them()
    {
        await using var hasty = Services(options => (options.Url, options.Deadline) = (_peer.Url, TimeSpan.FromSeconds(1)));
        var client = hasty.GetRequiredService<IPayoutManagerClient>();

        Assert.Equal(WoodyOutcome.NotDone, await ConfirmAsync(NotDone));
        Assert.Equal(WoodyOutcome.Unknown, await ConfirmAsync(ScriptedPeer.Status(504, "Result Unknown"), NotDone));

        // A try that is under way when the deadline passes says nothing, so that call is made again.
        async Task<WoodyOutcome> ConfirmAsync(params IReadOnlyList<Func<HttpContext, Task>> script)
        {
            while (true)
            {
                _peer.Script.Clear();
                foreach (var answer in script)
                    _peer.Script.Enqueue(answer);
                var e = await Assert.ThrowsAsync<PayoutCallException>(() => client.ConfirmAsync("p1"));
                if (e.HttpStatus == 503)
                    return e.Outcome;
            }
        }
    }

    [Fact]
    public async Task A_service_that_is_not_there_has_not_done_anything()
    {
        await using var hasty = Services(options =>
            (options.Url, options.Deadline) = (new Uri($"http://127.0.0.1:{Ports.Free()}/"), TimeSpan.FromSeconds(1)));

        var e = await Assert.ThrowsAsync<PayoutCallException>(() => hasty.GetRequiredService<IPayoutManagerClient>().ConfirmAsync("p1"));

        Assert.Equal((WoodyOutcome.NotDone, null), (e.Outcome, e.HttpStatus));
    }

    [Fact]
    public async Task Giving_up_is_the_caller_s()
    {
        _peer.Script.Enqueue(ScriptedPeer.Silence);
        using var given = new CancellationTokenSource();
        var call = Client().GetAsync("p1", given.Token);
        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Client().GetAsync("p1", new CancellationToken(canceled: true)));
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

    private static Func<HttpContext, Task> NotDone { get; } = ScriptedPeer.Status(503, "Resource Unavailable");

    private static (string Name, string Value)[] SameRequest(string? header) =>
        header is null ? [] : [(PayoutHeaders.SameRequest, header)];

    private void Answer(TBase result, params (string Name, string Value)[] headers)
    {
        _peer.Script.Clear();
        _peer.Script.Enqueue(ScriptedPeer.Reply(result, headers));
    }

    /// <summary>A first try whose answer is lost, and a second one that finds the payout id taken.</summary>
    private void FindTakenAfterUnknown(string? sameRequest)
    {
        _peer.Script.Enqueue(ScriptedPeer.Status(504, "Result Unknown"));
        _peer.Script.Enqueue(ScriptedPeer.Reply(
            new Calls.CreatePayout_result { Ex3 = new PayoutAlreadyExists() }, SameRequest(sameRequest)));
    }

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
