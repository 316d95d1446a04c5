using Microsoft.EntityFrameworkCore;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Payouts in the database.</summary>
internal sealed class PayoutStore(Database database) : IPayoutStore
{
    public Task<Payout?> FindAsync(PayoutId id, CancellationToken cancellationToken) => database.ReadAsync(async context =>
    {
        // One statement, so that a payout and its postings are of one moment.
        var found = await context.Payouts
            .AsNoTracking()
            .Where(payout => payout.PayoutId == id.Value)
            .Select(payout => new
            {
                Row = payout,
                Postings = context.Postings
                    .Where(posting => posting.PayoutId == payout.PayoutId)
                    .OrderBy(posting => posting.Id)
                    .ToList(),
            })
            .SingleOrDefaultAsync(cancellationToken);
        return found is null ? null : PayoutRows.ToPayout(found.Row, found.Postings);
    });
}
