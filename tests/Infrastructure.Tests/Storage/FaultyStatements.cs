using System.Collections.Concurrent;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>An error of the database at a statement of a payout's.</summary>
/// <param name="Statement">The statement's method.</param>
/// <param name="Error">What is thrown; anew each time.</param>
/// <param name="AfterEffect">Whether the statement takes effect before.</param>
/// <param name="Times">How many calls of it fail.</param>
internal sealed record StatementFault(string Statement, Func<Exception> Error, bool AfterEffect, int Times);

/// <summary>Stands before the store's statements and lets some of them fail, by the payout that they are about.</summary>
internal sealed class FaultyStatements(IPayoutStatements inner) : IPayoutStatements
{
    private readonly ConcurrentDictionary<string, (StatementFault Fault, StrongBox Left)> _faults = [];
    private readonly ConcurrentDictionary<string, ConcurrentBag<string>> _made = [];

    /// <summary>Lets statements of a payout fail from now on.</summary>
    public void Arm(string payoutId, StatementFault fault) => _faults[payoutId] = (fault, new StrongBox { Value = fault.Times });

    /// <summary>Lets no statement fail any more.</summary>
    public void Disarm() => _faults.Clear();

    /// <summary>The statements of a payout that told no error, by method.</summary>
    public IReadOnlyCollection<string> MadeOf(string payoutId) => _made.GetValueOrDefault(payoutId, []);

    public Task<Payout?> FindAsync(string payoutId, CancellationToken cancellationToken) =>
        RunAsync(nameof(FindAsync), payoutId, () => inner.FindAsync(payoutId, cancellationToken));

    public Task<string?> FindRequestDigestAsync(string payoutId, CancellationToken cancellationToken) =>
        RunAsync(nameof(FindRequestDigestAsync), payoutId, () => inner.FindRequestDigestAsync(payoutId, cancellationToken));

    public Task<Occupant?> FindOperationAsync(string payoutId, CancellationToken cancellationToken) =>
        RunAsync(nameof(FindOperationAsync), payoutId, () => inner.FindOperationAsync(payoutId, cancellationToken));

    public Task<Insertion> TryInsertAsync(
        OperationRow operation, int? expectedSequenceId, TimeSpan lease, CancellationToken cancellationToken) =>
        RunAsync(
            nameof(TryInsertAsync),
            operation.PayoutId,
            () => inner.TryInsertAsync(operation, expectedSequenceId, lease, cancellationToken));

    public Task<bool> TryApplyAsync(Operation operation, Payout payout, EventRow change, CancellationToken cancellationToken) =>
        RunAsync(
            nameof(TryApplyAsync),
            operation.PayoutId.Value,
            () => inner.TryApplyAsync(operation, payout, change, cancellationToken));

    public Task<OperationRow?> TakeOverAsync(
        string payoutId, string owner, TimeSpan lease, bool ignorePause, CancellationToken cancellationToken) =>
        RunAsync(nameof(TakeOverAsync), payoutId, () => inner.TakeOverAsync(payoutId, owner, lease, ignorePause, cancellationToken));

    public Task<bool> RenewAsync(string payoutId, string owner, TimeSpan lease, CancellationToken cancellationToken) =>
        RunAsync(nameof(RenewAsync), payoutId, () => inner.RenewAsync(payoutId, owner, lease, cancellationToken));

    public Task<bool> ReleaseAsync(string payoutId, string owner, FailedTry? failure, CancellationToken cancellationToken) =>
        RunAsync(nameof(ReleaseAsync), payoutId, () => inner.ReleaseAsync(payoutId, owner, failure, cancellationToken));

    public Task<bool> AdvanceAsync(Operation operation, string request, CancellationToken cancellationToken) =>
        RunAsync(nameof(AdvanceAsync), operation.PayoutId.Value, () => inner.AdvanceAsync(operation, request, cancellationToken));

    public Task<bool> AbandonAsync(Operation operation, AttemptNote note, CancellationToken cancellationToken) =>
        RunAsync(
            nameof(AbandonAsync), operation.PayoutId.Value, () => inner.AbandonAsync(operation, note, cancellationToken));

    public Task<OutboxPage> ReadOutboxAsync(OutboxQuery query, CancellationToken cancellationToken) =>
        inner.ReadOutboxAsync(query, cancellationToken);

    public Task<int> AcknowledgeAsync(IReadOnlyCollection<OutboxEvent> events, CancellationToken cancellationToken) =>
        inner.AcknowledgeAsync(events, cancellationToken);

    public Task<int> SendAgainAsync(string payoutId, int fromSequenceId, CancellationToken cancellationToken) =>
        RunAsync(nameof(SendAgainAsync), payoutId, () => inner.SendAgainAsync(payoutId, fromSequenceId, cancellationToken));

    private async Task<T> RunAsync<T>(string statement, string payoutId, Func<Task<T>> runAsync)
    {
        var fault = _faults.TryGetValue(payoutId, out var armed)
            && armed.Fault.Statement == statement
            && Interlocked.Decrement(ref armed.Left.Value) >= 0
            ? armed.Fault
            : null;
        if (fault is { AfterEffect: false })
            throw fault.Error();
        var result = await runAsync();
        if (fault is not null)
            throw fault.Error();
        if (result is not false)
            _made.GetOrAdd(payoutId, static _ => []).Add(statement);
        return result;
    }

    private sealed class StrongBox
    {
        public int Value;
    }
}
