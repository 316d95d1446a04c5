using PayoutManager.Application.Ports;
using PayoutManager.Domain;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Payouts in the database.</summary>
internal sealed class PayoutStore(IPayoutStatements statements) : IPayoutStore
{
    public Task<Payout?> FindAsync(PayoutId id, CancellationToken cancellationToken) =>
        Identifier.IsStorable(id.Value)
            ? Database.ReadAsync(token => statements.FindAsync(id.Value, token), cancellationToken)
            : Task.FromResult<Payout?>(null);

    public Task<string?> FindRequestDigestAsync(PayoutId id, CancellationToken cancellationToken) =>
        Identifier.IsStorable(id.Value)
            ? Database.ReadAsync(token => statements.FindRequestDigestAsync(id.Value, token), cancellationToken)
            : Task.FromResult<string?>(null);
}
