using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Simulation;

/// <summary>What an audit reads: database, topic and the ledger's records. Each answer may grow old on its way.</summary>
internal sealed class AuditPorts(World world, Wire wire)
    : IPayoutHistory, IPublishedEvents, ILedgerRecords, IAuditProgress, IAuditFindings
{
    private static readonly CancellationToken None = CancellationToken.None;

    public Task<IReadOnlyDictionary<PayoutId, PayoutHistory>> ReadAsync(
        IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken) =>
        ReadAsync($"history of {string.Join(", ", payoutIds)}", () => world.Store.ReadAsync(payoutIds, None).Result, cancellationToken);

    public Task<ChangePage> ListChangesAsync(AuditPosition after, TimeSpan margin, int limit, CancellationToken cancellationToken) =>
        ReadAsync("changes", () => world.Store.ListChangesAsync(after, margin, limit, None).Result, cancellationToken);

    public Task<QuietPage> ListWithoutEventsAsync(string after, int limit, CancellationToken cancellationToken) =>
        ReadAsync("payouts without events", () => world.Store.ListWithoutEventsAsync(after, limit, None).Result, cancellationToken);

    public Task SendAgainAsync(PayoutId payoutId, int fromSequenceId, CancellationToken cancellationToken) => WriteAsync(
        $"send {payoutId} again from {fromSequenceId}",
        () => world.Store.SendAgainAsync(payoutId, fromSequenceId, None),
        cancellationToken);

    public Task<TopicContents> ReadAsync(
        DateTimeOffset since, DateTimeOffset? until, IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken) =>
        ReadTopicAsync(since, from: 0, payoutIds, cancellationToken);

    public Task<TopicContents> ReadOnAsync(
        TopicContents read, IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken) =>
        ReadTopicAsync(read.CompleteSince, read.Ends[0], payoutIds, cancellationToken);

    private Task<TopicContents> ReadTopicAsync(
        DateTimeOffset since, long from, IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken) => ReadAsync(
        "topic",
        () =>
        {
            var wanted = new WantedRecords(payoutIds);
            foreach (var record in world.Topic.Skip((int)from))
                wanted.Add(record.PayoutId, record.Event);
            return wanted.ToContents(since, new Dictionary<int, long> { [0] = world.Topic.Count });
        },
        cancellationToken);

    public Task<IReadOnlyDictionary<string, RecordedPlan>> ReadAsync(IReadOnlyCollection<string> planIds, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyDictionary<string, RecordedPlan>>(
            "the ledger's records",
            () => world.Ledger.Plans.Where(p => planIds.Contains(p.Key)).ToDictionary(p => p.Key, p => new RecordedPlan(
                p.Value.State switch
                {
                    PlanState.Held => RecordedState.Held,
                    PlanState.Committed => RecordedState.Committed,
                    _ => RecordedState.RolledBack,
                },
                p.Value.Plan.Postings)),
            cancellationToken);

    public Task<AuditState> ReadAsync(AuditScope scope, CancellationToken cancellationToken) =>
        ReadAsync("audit", () => world.Store.ReadAsync(scope, None).Result, cancellationToken);

    public Task<AuditPosition?> LeaseAsync(AuditScope scope, string owner, TimeSpan lease, CancellationToken cancellationToken) =>
        wire.ExecuteAsync("lease audit", writes: true, () => world.Store.LeaseAsync(scope, owner, lease, None).Result, cancellationToken);

    public Task<bool> AdvanceAsync(
        AuditScope scope, string owner, AuditPosition from, AuditPosition upTo, CancellationToken cancellationToken) => wire.ExecuteAsync(
        $"advance audit to {upTo}", writes: true, () => world.Store.AdvanceAsync(scope, owner, from, upTo, None).Result, cancellationToken);

    public Task ReleaseAsync(AuditScope scope, string owner, CancellationToken cancellationToken) => WriteAsync(
        "release audit", () => world.Store.ReleaseAsync(scope, owner, None), cancellationToken);

    public Task<AuditFindingCounts> CountAsync(CancellationToken cancellationToken) =>
        ReadAsync("count of findings", () => world.Store.CountAsync(None).Result, cancellationToken);

    public Task<IReadOnlyList<AuditFinding>> ListAsync(
        DateTimeOffset seenBefore, string after, int limit, CancellationToken cancellationToken) =>
        ReadAsync("findings", () => world.Store.ListAsync(seenBefore, after, limit, None).Result, cancellationToken);

    public Task<bool> StoreAsync(NewAuditFinding finding, CancellationToken cancellationToken) => wire.ExecuteAsync(
        $"store finding on {finding.PayoutId}", writes: true, () => world.Store.StoreAsync(finding, None).Result, cancellationToken);

    public Task RemoveAsync(IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken) => WriteAsync(
        $"remove findings on {string.Join(", ", payoutIds)}", () => world.Store.RemoveAsync(payoutIds, None), cancellationToken);

    private Task WriteAsync(string what, Func<Task> write, CancellationToken cancellationToken) => wire.ExecuteAsync(
        what,
        writes: true,
        () =>
        {
            write().Wait(None);
            return true;
        },
        cancellationToken);

    private async Task<T> ReadAsync<T>(string what, Func<T> read, CancellationToken cancellationToken)
    {
        var found = await wire.ExecuteAsync($"read {what}", writes: false, read, cancellationToken);
        wire.Doze();
        await wire.StallAsync($"read {what}", cancellationToken);
        return found;
    }
}
