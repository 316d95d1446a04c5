using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Payouts in the database.</summary>
internal sealed class PayoutStore(IPayoutStatements statements) : IPayoutStore
{
    public Task<Payout?> FindAsync(PayoutId id, CancellationToken cancellationToken) =>
        Database.ReadAsync(() => statements.FindAsync(id.Value, cancellationToken));
}
