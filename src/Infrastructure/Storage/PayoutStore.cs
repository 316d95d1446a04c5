using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Payouts in the database.</summary>
internal sealed class PayoutStore(Database database) : IPayoutStore
{
    public Task<Payout?> FindAsync(PayoutId id, CancellationToken cancellationToken) =>
        database.ReadAsync(context => context.FindAsync(id.Value, cancellationToken));
}
