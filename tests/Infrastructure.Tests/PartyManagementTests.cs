using Microsoft.Extensions.Logging.Abstractions;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Infrastructure.Contracts;
using PayoutManager.Infrastructure.PartyManagement;
using PayoutManager.Infrastructure.Woody;
using PayoutManager.Sandbox;
using PayoutManager.Testing;
using PayoutManager.Thrift.Serialization;
using PayoutManager.Woody;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Parties.PartyManagement.InternalStructs;
using Wire = PayoutManager.Thrift.Domain;

namespace PayoutManager.Infrastructure.Tests;

public sealed class PartyManagementTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private static readonly Wire.CurrencyRef Rub = new("RUB");

    private readonly HttpClient _http = new(WoodyClient.CreateHandler());
    private SandboxServer _sandbox = null!;

    public async Task InitializeAsync() => _sandbox = await SandboxServer.StartAsync("http://127.0.0.1:0");

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _sandbox.DisposeAsync();
    }

    [Fact]
    public async Task A_party_comes_with_its_shops_and_contracts()
    {
        var party = await Client(_sandbox.PartyManagementUrl).FindPartyAsync(new PartyId("party-1"), None);

        Assert.Equal(
            new Shop(new ShopId("shop-1"), "contract-1", new ShopAccount(Payouts.Rub, 10), new PayoutToolId("tool-1")),
            party!.Shops["shop-1"]);
        Assert.Null(party.Shops["shop-without-tool"].PayoutToolId);
        Assert.Null(party.Shops["shop-without-account"].Account);
        Assert.Equal(["tool-1", "tool-2"], party.Contracts["contract-1"].PayoutToolIds.Order());
    }

    [Fact]
    public async Task A_party_that_is_not_there_is_null() =>
        Assert.Null(await Client(_sandbox.PartyManagementUrl).FindPartyAsync(new PartyId("gone"), None));

    [Fact]
    public async Task A_cash_flow_is_computed()
    {
        var cashFlow = await ComputeAsync("party-1", "shop-1", "tool-1");

        Assert.Equal(
            [PostingKind.PayoutAmount, PostingKind.PayoutFixedFee, PostingKind.Fee, PostingKind.ExternalFee],
            cashFlow.Select(p => p.Kind));
        Assert.Equal(97_500, cashFlow.PayoutAmount(Payouts.Rub).Amount);
        Assert.Equal(2_800, cashFlow.Fee(Payouts.Rub).Amount);
    }

    [Theory]
    [InlineData("gone", "shop-1", "tool-1")]
    [InlineData("party-1", "gone", "tool-1")]
    [InlineData("party-1", "shop-1", "gone")]
    [InlineData("party-1", "shop-blocked", "tool-1")]
    public async Task A_cash_flow_that_cannot_be_computed_is_not_found(string party, string shop, string tool) =>
        await Assert.ThrowsAsync<NotFoundException>(() => ComputeAsync(party, shop, tool));

    /// <summary>Tries until time is up, or until an answer that another try would not change.</summary>
    [Theory]
    [InlineData(504, "Result Unknown", typeof(NotDoneException))]
    [InlineData(503, "Resource Unavailable", typeof(NotDoneException))]
    [InlineData(502, null, typeof(NotDoneException))]
    [InlineData(500, "Result Unexpected", typeof(DependencyFailedException))]
    [InlineData(400, "Result Unexpected", typeof(DependencyFailedException))]
    public async Task A_call_that_only_reads_is_not_done_unless_its_failure_is_final(int status, string? errorClass, Type expected)
    {
        await using var peer = await ScriptedPeer.StartAsync();
        peer.Script.Enqueue(ScriptedPeer.Status(status, errorClass));
        var isFinal = expected == typeof(DependencyFailedException);
        using var deadline = new CancellationTokenSource();
        var call = Client(peer.Url).FindPartyAsync(new PartyId("party-1"), deadline.Token);

        await peer.AskedAsync(isFinal ? 1 : 3);
        if (!isFinal)
            await deadline.CancelAsync();

        await Assert.ThrowsAsync(expected, () => call);
        Assert.Equal(isFinal, peer.Requests.Count == 1);
    }

    [Fact]
    public async Task An_odd_shop_is_no_concern_of_the_others()
    {
        var party = await FindAsync(new Wire.Party(
            "party-1",
            new() { ["contract-1"] = new Wire.Contract("contract-1", [new("tool-1", Rub)]), ["bare"] = new Wire.Contract("bare", []) },
            new()
            {
                ["good"] = Shop("good"),
                ["lower"] = Shop("lower", new Wire.CurrencyRef("rub")),
                ["nameless"] = Shop("nameless", tool: ""),
                ["moved"] = Shop("elsewhere"),
                ["bare"] = new Wire.Shop("bare", "bare"),
            }));

        Assert.Equal(
            new Shop(new ShopId("good"), "contract-1", new ShopAccount(Payouts.Rub, 10), new PayoutToolId("tool-1")), party!.Shops["good"]);
        Assert.Equal(new Shop(new ShopId("bare"), "bare", null, null), party.Shops["bare"]);
        Assert.Null(party.Shops["nameless"].PayoutToolId);
        Assert.Empty(party.Contracts["bare"].PayoutToolIds);
        Assert.False(party.Shops.TryGetValue("gone", out _));
        foreach (var (shop, fault) in new[]
        {
            ("lower", "the currency 'rub' of its account must be 3 to 8 characters A–Z or 0–9"),
            ("moved", "its id is 'elsewhere'"),
        })
        {
            var e = Assert.Throws<DependencyFailedException>(() => party.Shops.TryGetValue(shop, out _));
            Assert.Equal(
                $"PartyManagement answered Get with a shop '{shop}' of party party-1 that cannot be used: {fault}.", e.Message);
        }
    }

    [Fact]
    public async Task Another_party_than_the_one_asked_for_is_not_taken() =>
        await Assert.ThrowsAsync<DependencyFailedException>(() => FindAsync(new Wire.Party("party-2", [], [])));

    /// <summary>The platform's full contract has many more fields than the part that is read here.</summary>
    [Fact]
    public async Task Fields_that_are_not_known_are_passed_over()
    {
        // Of a shop, before and after its known fields: a string that is not UTF-8, an enum, a union in a struct, a list of structs, a map
        // of sets.
        const string unknown = "0b0002" + "00000002" + "c328"
            + "080003" + "7fffffff"
            + "0c0004" + "0c0009" + "0c0001" + "00" + "00" + "00"
            + "0f000a" + "0c" + "00000002" + "00" + "020001" + "01" + "00"
            + "0d000b" + "08" + "0e" + "00000001" + "00000007" + "0a" + "00000001" + "0000000000000001";
        var plain = Convert.ToHexString(ThriftBinary.Serialize(Shop("good")))[..^2];
        await using var peer = await ScriptedPeer.StartAsync();
        peer.Script.Enqueue(ScriptedPeer.ReplyBytes(call =>
        {
            var reply = Convert.ToHexString(ThriftMessage.Serialize(
                new TMessage(call.Name, TMessageType.Reply, call.SeqID),
                new Calls.Get_result { Success = new Wire.Party("party-1", [], new() { ["good"] = Shop("good") }) }));
            Assert.Contains(plain, reply, StringComparison.Ordinal);
            return Convert.FromHexString(reply.Replace(plain, unknown + plain + unknown, StringComparison.Ordinal));
        }));

        var party = await Client(peer.Url).FindPartyAsync(new PartyId("party-1"), None);

        Assert.Equal(10, party!.Shops["good"].Account!.SettlementId);
    }

    [Theory]
    [InlineData("USD", 5)]
    [InlineData("RUB", long.MaxValue)]
    public async Task Postings_that_cannot_be_added_up_are_the_peers_failure(string currency, long amount)
    {
        CashFlowPosting Posting(string code, long volume) => new(
            new(AccountType.MerchantSettlement, 10), new(AccountType.MerchantPayout, 12), new Cash(volume, new Currency(code)));
        await using var peer = await ScriptedPeer.StartAsync();
        peer.Script.Enqueue(ScriptedPeer.Reply(new Calls.ComputePayoutCashFlow_result
        {
            Success = [CashFlowContract.ToWire(Posting("RUB", 5)), CashFlowContract.ToWire(Posting(currency, amount))],
        }));

        var e = await Assert.ThrowsAsync<DependencyFailedException>(() => Client(peer.Url).ComputeCashFlowAsync(
            new PartyId("party-1"), new ShopId("shop-1"), new Cash(100_000, Payouts.Rub), new PayoutToolId("tool-1"), DateTimeOffset.UnixEpoch, None));

        Assert.StartsWith("PartyManagement answered ComputePayoutCashFlow with postings that cannot be used: ", e.Message, StringComparison.Ordinal);
    }

    private Task<CashFlow> ComputeAsync(string party, string shop, string tool) =>
        Client(_sandbox.PartyManagementUrl).ComputeCashFlowAsync(
            new PartyId(party), new ShopId(shop), new Cash(100_000, Payouts.Rub), new PayoutToolId(tool), DateTimeOffset.UnixEpoch, None);

    private async Task<Party?> FindAsync(Wire.Party answer)
    {
        await using var peer = await ScriptedPeer.StartAsync();
        peer.Script.Enqueue(ScriptedPeer.Reply(new Calls.Get_result { Success = answer }));
        return await Client(peer.Url).FindPartyAsync(new PartyId("party-1"), None);
    }

    private static Wire.Shop Shop(string id, Wire.CurrencyRef? currency = null, string tool = "tool-1") =>
        new(id, "contract-1") { Account = new Wire.ShopAccount(currency ?? Rub, 10, 11, 12), PayoutToolId = tool };

    private PartyManagementClient Client(Uri url) => new(new DependencyClient(
        "PartyManagement",
        new WoodyClient(_http, url, TimeSpan.FromSeconds(20), TimeProvider.System),
        new DependencyProbe(new DependencyOptions { Url = url }, TimeProvider.System),
        TimeProvider.System,
        NullLogger.Instance));
}
