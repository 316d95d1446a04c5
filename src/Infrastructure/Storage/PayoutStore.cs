using PayoutManager.Application.Ports;
using PayoutManager.Domain;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Payouts in the database.</summary>
internal sealed class PayoutStore(IPayoutStatements statements) : IPayoutStore
{
    public Task<Payout?> FindAsync(PayoutId id, CancellationToken cancellationToken) =>
        Identifier.IsStorable(id.Value)
            ? Database.ReadAsync(() => statements.FindAsync(id.Value, cancellationToken))
            : Task.FromResult<Payout?>(null);

    public Task<string?> FindRequestDigestAsync(PayoutId id, CancellationToken cancellationToken) =>
        Identifier.IsStorable(id.Value)
            ? Database.ReadAsync(() => statements.FindRequestDigestAsync(id.Value, cancellationToken))
            : Task.FromResult<string?>(null);
}
