using PayoutManager.Domain.Money;

namespace PayoutManager.Domain.Parties;

/// <summary>A merchant, as far as payouts need to know it.</summary>
/// <param name="Id">The party's name.</param>
/// <param name="Shops">Its shops by id.</param>
/// <param name="Contracts">Its contracts by id.</param>
public sealed record Party(
    PartyId Id,
    IReadOnlyDictionary<string, Shop> Shops,
    IReadOnlyDictionary<string, Contract> Contracts);

/// <summary>A shop of a party.</summary>
/// <param name="Id">The shop's name.</param>
/// <param name="ContractId">The contract that it works under.</param>
/// <param name="Account">Its ledger account; null if it has none yet.</param>
/// <param name="PayoutToolId">The tool that payouts use if none is named; null if there is none.</param>
public sealed record Shop(ShopId Id, string ContractId, ShopAccount? Account, PayoutToolId? PayoutToolId);

/// <summary>Where a shop's money is in the ledger.</summary>
/// <param name="Currency">The currency of the account.</param>
/// <param name="SettlementId">The settlement account's id: what the platform owes the merchant.</param>
public sealed record ShopAccount(Currency Currency, long SettlementId);

/// <summary>A contract of a party.</summary>
/// <param name="Id">The contract's name.</param>
/// <param name="PayoutToolIds">The tools by which its shops can be paid out.</param>
public sealed record Contract(string Id, IReadOnlySet<string> PayoutToolIds);
