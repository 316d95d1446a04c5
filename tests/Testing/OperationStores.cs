using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Testing;

/// <summary>What tests ask of operations.</summary>
public static class OperationStores
{
    /// <summary>The payouts whose operation is due, those due for longest first.</summary>
    public static async Task<IReadOnlyList<PayoutId>> ListDueAsync(this IOperationStore store, bool ignorePauses = false) =>
        [.. (await store.ListDueAsync(after: null, ignorePauses, limit: 100, CancellationToken.None)).Operations.Select(due => due.PayoutId)];
}
