using PayoutManager.Sandbox.Ledger;
using PayoutManager.Thrift.Domain;

namespace PayoutManager.Sandbox.Parties;

/// <summary>
/// The sandbox's merchants. Some shops show a way in which a payout can be refused; their names say which.
/// </summary>
public sealed class PartyBook
{
    /// <summary>What a shop's settlement account has at first, in minor units.</summary>
    public const long Balance = 10_000_000;

    /// <summary>What a shop for load tests has at first.</summary>
    public const long EndlessBalance = 1_000_000_000_000_000;

    /// <summary>How many parties there are for load tests: party-load-1 and so on, each with <see cref="LoadShops"/>.</summary>
    public const int LoadParties = 16;

    /// <summary>How many shops each of them has: shop-load-1 and so on.</summary>
    public const int LoadShops = 4;

    /// <summary>The settlement account of a shop that the ledger does not know; the two after it are unknown, too.</summary>
    public const long UnknownAccount = 1_000_001;

    private const string Rub = "RUB";
    private const string Usd = "USD";

    /// <summary>A currency whose code is longer than the deployed ledger's column.</summary>
    private const string Stars = "STARS";

    private readonly Dictionary<string, Party> _parties = [];
    private readonly Dictionary<string, SystemAccounts> _systemAccounts = [];
    private readonly Accounter _accounter;
    private long _nextAccount = 1;

    /// <summary>Writes the book, and opens and funds its accounts.</summary>
    public PartyBook(Accounter accounter)
    {
        _accounter = accounter;
        OpenSystemAccounts(Rub);
        OpenSystemAccounts(Usd);
        // So that the first shop's accounts are 10, 11 and 12.
        _nextAccount = 10;
        AddParty(
            "party-1",
            [Contract("contract-1", (Rub, "tool-1"), (Rub, "tool-2")), Contract("contract-usd", (Usd, "tool-usd"))],
            Shop("shop-1", "contract-1", "tool-1", Account(Rub, Balance)),
            Shop("shop-2", "contract-1", "tool-2", Account(Rub, Balance)),
            Shop("shop-poor", "contract-1", "tool-1", Account(Rub, 100_000)),
            Shop("shop-usd", "contract-usd", "tool-usd", Account(Usd, Balance)),
            Shop("shop-without-tool", "contract-1", null, Account(Rub, Balance)),
            Shop("shop-without-account", "contract-1", "tool-1", null),
            Shop("shop-without-contract", "contract-gone", "tool-1", Account(Rub, Balance)),
            Shop("shop-with-unknown-tool", "contract-1", "tool-gone", Account(Rub, Balance)),
            Shop(Terms.BlockedShop, "contract-1", "tool-1", Account(Rub, Balance)));
        AddParty(
            "party-2",
            [Contract("contract-1", (Rub, "tool-1"))],
            Shop("shop-1", "contract-1", "tool-1", Account(Rub, Balance)));
        foreach (var party in Enumerable.Range(1, LoadParties))
        {
            AddParty(
                $"party-load-{party}",
                [Contract("contract-1", (Rub, "tool-1"))],
                [.. Enumerable.Range(1, LoadShops).Select(n => Shop($"shop-load-{n}", "contract-1", "tool-1", Account(Rub, EndlessBalance)))]);
        }

        var usd = Account(Usd, Balance);
        OpenSystemAccounts(Stars);
        AddParty(
            "party-odd",
            [Contract("contract-1", (Rub, "tool-1"))],
            Shop("shop-with-unknown-account", "contract-1", "tool-1", new ShopAccount(new CurrencyRef(Rub), UnknownAccount, UnknownAccount + 1, UnknownAccount + 2)),
            Shop("shop-in-another-currency", "contract-1", "tool-1", new ShopAccount(new CurrencyRef(Rub), usd.Settlement, usd.Guarantee, usd.Payout)),
            Shop("shop-in-a-long-currency", "contract-1", "tool-1", Account(Stars, Balance)));
    }

    /// <summary>All parties by id.</summary>
    public IReadOnlyDictionary<string, Party> Parties => _parties;

    /// <summary>The platform's accounts in a currency; null if it does not deal in it.</summary>
    public SystemAccounts? SystemAccountsIn(string currency) => _systemAccounts.GetValueOrDefault(currency);

    /// <summary>Gives an account money, as if payments had come in.</summary>
    public void Deposit(long accountId, long amount) =>
        _accounter.Transfer(_systemAccounts[_accounter.GetAccount(accountId).CurrencySymCode].Provider, accountId, amount);

    private void AddParty(string id, IReadOnlyList<Contract> contracts, params IReadOnlyList<Shop> shops) =>
        _parties.Add(id, new Party(id, contracts.ToDictionary(c => c.Id), shops.ToDictionary(s => s.Id)));

    private static Contract Contract(string id, params IReadOnlyList<(string Currency, string Id)> tools) =>
        new(id, [.. tools.Select(t => new PayoutTool(t.Id, new CurrencyRef(t.Currency)))]);

    private static Shop Shop(string id, string contractId, string? toolId, ShopAccount? account) =>
        new(id, contractId) { Account = account, PayoutToolId = toolId };

    private ShopAccount Account(string currency, long balance)
    {
        var settlement = OpenAccount(currency, "merchant.settlement");
        var account = new ShopAccount(
            new CurrencyRef(currency),
            settlement,
            OpenAccount(currency, "merchant.guarantee"),
            OpenAccount(currency, "merchant.payout"));
        Deposit(settlement, balance);
        return account;
    }

    private void OpenSystemAccounts(string currency) => _systemAccounts[currency] = new SystemAccounts(
        OpenAccount(currency, "system.settlement"),
        OpenAccount(currency, "provider.settlement"),
        OpenAccount(currency, "external.outcome"));

    private long OpenAccount(string currency, string description)
    {
        _accounter.Open(_nextAccount, currency, description);
        return _nextAccount++;
    }
}

/// <summary>The platform's accounts in one currency.</summary>
/// <param name="Settlement">Its own money.</param>
/// <param name="Provider">Where payments come from.</param>
/// <param name="Outcome">Where costs go.</param>
public sealed record SystemAccounts(long Settlement, long Provider, long Outcome);
