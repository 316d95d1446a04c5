using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Ports;

/// <summary>Reads payouts.</summary>
public interface IPayoutStore
{
    /// <summary>The payout as it was last applied, or null: one whose creation is under way does not exist yet.</summary>
    /// <exception cref="NotDoneException">The database cannot be reached.</exception>
    Task<Payout?> FindAsync(PayoutId id, CancellationToken cancellationToken);
}
