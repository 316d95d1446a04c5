using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;

namespace PayoutManager.Testing.InMemory;

/// <summary>One merchant, whose shops show each way in which a payout can be refused.</summary>
public sealed class InMemoryParties : IPartyManagement
{
    public const long Settlement = 10;

    private static readonly ShopAccount Account = new(new Currency("RUB"), Settlement);

    private readonly Party _party = new(
        new PartyId("party-1"),
        new[]
        {
            Shop("shop-1", "contract-1", Account, "tool-1"),
            Shop("shop-without-tool", "contract-1", Account, null),
            Shop("shop-without-account", "contract-1", null, "tool-1"),
            Shop("shop-without-anything", "contract-1", null, null),
            Shop("shop-without-contract", "contract-gone", Account, "tool-1"),
            Shop("shop-with-unknown-tool", "contract-1", Account, "tool-gone"),
            Shop("shop-without-terms", "contract-1", Account, "tool-1"),
        }.ToDictionary(s => s.Id.Value),
        new Dictionary<string, Contract> { ["contract-1"] = new("contract-1", new HashSet<string> { "tool-1", "tool-2" }) });

    /// <summary>The last cash flow asked for.</summary>
    public (Cash Cash, PayoutToolId Tool, DateTimeOffset Timestamp)? Asked { get; private set; }

    public Exception? Fault { get; set; }

    /// <summary>What a payout costs, in minor units.</summary>
    public long FixedFee { get; set; } = 2_500;

    /// <summary>Where it goes.</summary>
    public long FeeAccount { get; set; } = 20;

    public Task<Party?> FindPartyAsync(PartyId id, CancellationToken cancellationToken) =>
        Fault is null ? Task.FromResult(id == _party.Id ? _party : null) : throw Fault;

    public Task<CashFlow> ComputeCashFlowAsync(
        PartyId partyId, ShopId shopId, Cash cash, PayoutToolId payoutToolId, DateTimeOffset timestamp, CancellationToken cancellationToken)
    {
        Asked = (cash, payoutToolId, timestamp);
        if (shopId.Value == "shop-without-terms")
            throw new NotFoundException("No cash flow.");
        return Task.FromResult(new CashFlow(
        [
            new(new(AccountType.MerchantSettlement, Settlement), new(AccountType.MerchantPayout, 12), cash),
            new(new(AccountType.MerchantPayout, 12), new(AccountType.SystemSettlement, FeeAccount), cash with { Amount = FixedFee }, "fixed fee"),
        ]));
    }

    private static Shop Shop(string id, string contract, ShopAccount? account, string? tool) =>
        new(new ShopId(id), contract, account, tool is null ? null : new PayoutToolId(tool));
}
