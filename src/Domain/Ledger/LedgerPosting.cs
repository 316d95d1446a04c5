using PayoutManager.Domain.Money;

namespace PayoutManager.Domain.Ledger;

/// <summary>One move between two ledger accounts, as the ledger is told it.</summary>
/// <param name="FromId">The account that pays.</param>
/// <param name="ToId">The account that receives.</param>
/// <param name="Volume">How much, in minor units.</param>
/// <param name="Description">
/// What for. The ledger compares it: at commit and rollback it must be what it was at the hold.
/// </param>
public sealed record LedgerPosting(long FromId, long ToId, Cash Volume, string Description);
