using System.Diagnostics;
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
            Actor = actor?.Name,
            Reason = actor?.Reason,
        };
        return await database.WriteAsync(
            token => statements.TryInsertAsync(row, expectedSequenceId, lease, token), cancellationToken) switch
        {
            { PayoutMoved: true } => new Intended.PayoutMoved(),
            { Attempt: 0 } => await DescribeOccupantAsync(payoutId, cancellationToken),
            var inserted => new Intended.Started(
                new Operation(payoutId, intent, inserted.Attempt, owner, actor) { PlanWasRefused = inserted.PlanWasRefused }),
        };
    }

    public Task<Operation?> TakeOverAsync(
        PayoutId payoutId,
        string owner,
        TimeSpan lease,
        bool ignorePause,
        CancellationToken cancellationToken) => database.WriteAsync(
        async token => await statements.TakeOverAsync(payoutId.Value, owner, lease, ignorePause, token) is { } taken
            ? ToOperation(taken)
            : null,
        cancellationToken);

    public Task<bool> RenewAsync(Operation operation, TimeSpan lease, CancellationToken cancellationToken) => database.WriteAsync(
        token => statements.RenewAsync(operation.PayoutId.Value, operation.Owner, lease, token), cancellationToken);

    public Task<bool> ReleaseAsync(Operation operation, FailedTry? failure, CancellationToken cancellationToken) => database.WriteAsync(
        token => statements.ReleaseAsync(operation.PayoutId.Value, operation.Owner, failure, token), cancellationToken);

    public Task<Operation?> AdvanceAsync(
        Operation operation,
        OperationIntent intent,
        CancellationToken cancellationToken) => database.WriteAsync(
        async token => await statements.AdvanceAsync(operation, IntentJson.Write(intent), token)
            ? operation with { Intent = intent, Attempt = operation.Attempt + 1, PlanWasRefused = false }
            : null,
        cancellationToken);

    public Task<bool> ApplyAsync(Operation operation, PayoutEvent change, CancellationToken cancellationToken)
    {
        var recorded = new EventRow
        {
            PayoutId = change.Payout.Id.Value,
            SequenceId = change.SequenceId,
            CreatedAt = change.CreatedAt.UtcDateTime,
            Payload = ThriftBinary.Serialize(PayoutContract.ToWire(change)),
            TraceParent = Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? activity.Id : null,
            Actor = operation.Actor?.Name,
            Reason = operation.Actor?.Reason,
        };
        return database.WriteAsync(
            token => statements.TryApplyAsync(operation, change.Payout, recorded, token), cancellationToken);
    }

    public Task<bool> AbandonAsync(Operation operation, AttemptNote note, CancellationToken cancellationToken) => database.WriteAsync(
        token => statements.AbandonAsync(operation, note, token), cancellationToken);

    public Task<DuePage> ListDueAsync(DuePosition? after, bool ignorePauses, int limit, CancellationToken cancellationToken) =>
        Database.ReadAsync(token => routine.ListDueAsync(after, ignorePauses, limit, token), cancellationToken);

    private async Task<Intended> DescribeOccupantAsync(PayoutId payoutId, CancellationToken cancellationToken) =>
        await Database.ReadAsync(token => statements.FindOperationAsync(payoutId.Value, token), cancellationToken) is { } occupant
            ? new Intended.Occupied(ToOperation(occupant.Operation), occupant.LeaseRanOut)
            // Gone since the insert: whatever it did, the caller has to look at the payout again.
            : new Intended.Vacated();

    private static Operation ToOperation(OperationRow row) => new(
        PayoutId.Restore(row.PayoutId),
        IntentJson.Read(row),
        row.Attempt,
        row.Owner!,
        row.Actor is { } name ? new Actor(name, row.Reason) : null)
    {
        FailedTries = row.FailedTries,
    };
}
