using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Contracts;
using PayoutManager.Infrastructure.Storage.Rows;
using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Operations in the database, and the changes that they end in.</summary>
internal sealed class OperationStore(Database database, IPayoutStatements statements, IRoutineStatements routine) : IOperationStore
{
    public async Task<Intended> IntendAsync(
        PayoutId payoutId,
        OperationIntent intent,
        int? expectedSequenceId,
        string owner,
        Actor? actor,
        TimeSpan lease,
        CancellationToken cancellationToken)
    {
        var row = new OperationRow
        {
            PayoutId = payoutId.Value,
            Kind = IntentJson.KindOf(intent),
            Owner = owner,
            Request = IntentJson.Write(intent),
        };
        return await Database.WriteAsync(() => statements.TryInsertAsync(row, expectedSequenceId, lease, cancellationToken), cancellationToken) switch
        {
            { PayoutMoved: true } => new Intended.PayoutMoved(),
            { Attempt: 0 } => await database.ReadAsync(context => DescribeOccupantAsync(context, row, cancellationToken)),
            var inserted => new Intended.Started(new Operation(payoutId, intent, inserted.Attempt, owner, actor)),
        };
    }

    public Task<Operation?> TakeOverAsync(
        PayoutId payoutId,
        string owner,
        TimeSpan lease,
        CancellationToken cancellationToken) =>
        database.TransactAsync<Operation?>(
            async context =>
            {
                var taken = await context.Operations
                    .Where(o => o.PayoutId == payoutId.Value && o.LeaseUntil <= DatabaseClock.Now())
                    .ExecuteUpdateAsync(
                        o => o
                            .SetProperty(p => p.Owner, owner)
                            .SetProperty(p => p.LeaseUntil, p => DatabaseClock.Now().AddSeconds(lease.TotalSeconds)),
                        cancellationToken);
                if (taken == 0)
                    return (null, false);
                var row = await context.Operations.AsNoTracking()
                    .SingleAsync(o => o.PayoutId == payoutId.Value, cancellationToken);
                return (ToOperation(row), true);
            },
            cancellationToken);

    public Task<bool> RenewAsync(Operation operation, TimeSpan lease, CancellationToken cancellationToken) =>
        database.WriteAsync(async context => await Owned(context, operation)
            .ExecuteUpdateAsync(
                o => o.SetProperty(p => p.LeaseUntil, p => DatabaseClock.Now().AddSeconds(lease.TotalSeconds)),
                cancellationToken) == 1);

    public Task ReleaseAsync(Operation operation, CancellationToken cancellationToken) =>
        database.WriteAsync(context => Owned(context, operation)
            .ExecuteUpdateAsync(
                o => o.SetProperty(p => p.LeaseUntil, p => DatabaseClock.Now()),
                cancellationToken));

    public Task<Operation?> AdvanceAsync(
        Operation operation,
        OperationIntent intent,
        CancellationToken cancellationToken) =>
        database.WriteAsync(async context =>
        {
            var next = operation with { Intent = intent, Attempt = operation.Attempt + 1 };
            var request = IntentJson.Write(intent);
            var advanced = await OwnedAttempt(context, operation)
                .ExecuteUpdateAsync(
                    o => o.SetProperty(p => p.Attempt, next.Attempt).SetProperty(p => p.Request, request),
                    cancellationToken);
            return advanced == 1 ? next : null;
        });

    public Task<bool> ApplyAsync(Operation operation, PayoutEvent change, CancellationToken cancellationToken)
    {
        var outboxEvent = new EventRow
        {
            PayoutId = change.Payout.Id.Value,
            SequenceId = change.SequenceId,
            CreatedAt = change.CreatedAt.UtcDateTime,
            Payload = ThriftBinary.Serialize(PayoutContract.ToWire(change)),
            TraceParent = Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? activity.Id : null,
        };
        return Database.WriteAsync(() => statements.TryApplyAsync(operation, change.Payout, outboxEvent, cancellationToken), cancellationToken);
    }

    public Task<bool> AbandonAsync(Operation operation, int spentAttempts, CancellationToken cancellationToken) =>
        database.WriteAsync(async context =>
        {
            var ours = OwnedAttempt(context, operation);
            var ended = spentAttempts == 0
                ? await ours.ExecuteDeleteAsync(cancellationToken)
                : await ours.ExecuteUpdateAsync(
                    o => o
                        .SetProperty(p => p.Kind, OperationRow.Spent)
                        .SetProperty(p => p.Attempt, spentAttempts)
                        .SetProperty(p => p.Owner, (string?)null)
                        .SetProperty(p => p.LeaseUntil, (DateTime?)null)
                        .SetProperty(p => p.Request, (string?)null),
                    cancellationToken);
            return ended == 1;
        });

    public Task<IReadOnlyList<PayoutId>> ListExpiredAsync(int limit, CancellationToken cancellationToken) =>
        Database.ReadAsync(() => routine.ListExpiredAsync(limit, cancellationToken));

    private static async Task<Intended> DescribeOccupantAsync(
        PayoutDbContext context,
        OperationRow row,
        CancellationToken cancellationToken)
    {
        var occupant = await context.Operations
            .AsNoTracking()
            .Where(o => o.PayoutId == row.PayoutId && o.Kind != OperationRow.Spent)
            .Select(o => new { Row = o, LeaseRanOut = o.LeaseUntil <= DatabaseClock.Now() })
            .SingleOrDefaultAsync(cancellationToken);
        // Gone since the insert: whatever it did, the caller has to look at the payout again.
        return occupant is null
            ? new Intended.Vacated()
            : new Intended.Occupied(ToOperation(occupant.Row), occupant.LeaseRanOut);
    }

    private static IQueryable<OperationRow> Owned(PayoutDbContext context, Operation operation) =>
        context.Operations.Where(o => o.PayoutId == operation.PayoutId.Value && o.Owner == operation.Owner);

    private static IQueryable<OperationRow> OwnedAttempt(PayoutDbContext context, Operation operation) =>
        Owned(context, operation).Where(o => o.Attempt == operation.Attempt);

    private static Operation ToOperation(OperationRow row) =>
        new(new PayoutId(row.PayoutId), IntentJson.Read(row), row.Attempt, row.Owner!);
}
