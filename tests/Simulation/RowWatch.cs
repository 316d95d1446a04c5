using PayoutManager.Application.Operations;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Simulation;

/// <summary>
/// Compares the database's rows before and after each statement. Knows nothing of the statement, so it also sees what a statement
/// should have refused.
/// </summary>
internal sealed class RowWatch(InMemoryStore store, TimeProvider clock, Action<string> broken)
{
    /// <summary>Executes a statement, and checks what it has changed.</summary>
    public T Watch<T>(Func<T> statement)
    {
        var operations = store.Operations.ToDictionary(row => row.Operation.PayoutId);
        var payouts = store.Payouts.ToDictionary(payout => payout.Id);
        var events = store.Events.Count;
        var result = statement();
        var left = store.Operations.ToDictionary(row => row.Operation.PayoutId);

        foreach (var (id, before) in operations)
        {
            if (left.TryGetValue(id, out var after))
                CheckOwner(before.Operation, before.LeaseUntil, after.Operation);
        }

        var changed = store.Payouts.Where(payout => payouts.GetValueOrDefault(payout.Id) != payout).ToList();
        foreach (var payout in changed)
        {
            var before = payouts.GetValueOrDefault(payout.Id)?.SequenceId ?? -1;
            Require(payout.SequenceId == before + 1, $"{payout.Id} went from change {before} to {payout.SequenceId}");
            Require(operations.ContainsKey(payout.Id) && !left.ContainsKey(payout.Id), $"change {payout.SequenceId} of {payout.Id} ended no operation");
        }

        Require(
            changed.Select(payout => (payout.Id, payout.SequenceId)).SequenceEqual(store.Events.Skip(events).Select(e => (e.Payout.Id, e.SequenceId))),
            "a statement changed payouts without their events, or inserted events without their changes");
        return result;
    }

    /// <summary>While its owner's lease runs, nobody else gets an operation; and nobody goes back to an earlier attempt.</summary>
    private void CheckOwner(Operation before, DateTimeOffset leaseUntil, Operation after)
    {
        var left = leaseUntil - clock.GetUtcNow();
        Require(
            after.Owner == before.Owner || left <= TimeSpan.Zero,
            $"the operation on {after.PayoutId} was taken over while its owner's lease ran for another {left.TotalSeconds:F1} s");
        Require(after.Attempt >= before.Attempt, $"the operation on {after.PayoutId} went back to attempt {after.Attempt}");
    }

    private void Require(bool isSo, string otherwise)
    {
        if (!isSo)
            broken(otherwise);
    }
}
