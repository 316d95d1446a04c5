using Microsoft.Extensions.Logging.Abstractions;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Infrastructure.PartyManagement;
using PayoutManager.Infrastructure.Woody;
using PayoutManager.Sandbox;
using PayoutManager.Testing;
using PayoutManager.Woody;

namespace PayoutManager.Infrastructure.Tests;

public sealed class PartyManagementTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

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

    [Fact]
    public async Task A_call_that_only_reads_is_not_done_when_its_answer_is_lost()
    {
        await using var peer = await ScriptedPeer.StartAsync();
        peer.Script.Enqueue(ScriptedPeer.Status(504));
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));

        await Assert.ThrowsAsync<NotDoneException>(() => Client(peer.Url).FindPartyAsync(new PartyId("party-1"), deadline.Token));
    }

    private Task<CashFlow> ComputeAsync(string party, string shop, string tool) =>
        Client(_sandbox.PartyManagementUrl).ComputeCashFlowAsync(
            new PartyId(party), new ShopId(shop), new Cash(100_000, Payouts.Rub), new PayoutToolId(tool), DateTimeOffset.UnixEpoch, None);

    private PartyManagementClient Client(Uri url) => new(new DependencyClient(
        "PartyManagement", new WoodyClient(_http, url, TimeSpan.FromSeconds(20), TimeProvider.System), TimeProvider.System, NullLogger.Instance));
}
