using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Simulation;

/// <summary>What an audit reads: database, topic and the ledger's records. Each answer may grow old on its way.</summary>
internal sealed class AuditPorts(World world, Wire wire) : IPayoutHistory, IPublishedEvents, ILedgerRecords
{
    private static readonly CancellationToken None = CancellationToken.None;

    public Task<PayoutHistory> ReadAsync(PayoutId payoutId, CancellationToken cancellationToken) =>
        ReadAsync($"history of {payoutId}", () => world.Store.ReadAsync(payoutId, None).Result, cancellationToken);

    public Task<IReadOnlyList<ChangedPayout>> ListChangedAsync(
        DateTimeOffset since, ChangedPayout? after, int limit, CancellationToken cancellationToken) =>
        ReadAsync("changed payouts", () => world.Store.ListChangedAsync(since, after, limit, None).Result, cancellationToken);

    public Task SendAgainAsync(PayoutId payoutId, int fromSequenceId, CancellationToken cancellationToken) => wire.ExecuteAsync(
        $"send {payoutId} again from {fromSequenceId}",
        writes: true,
        () =>
        {
            world.Store.SendAgainAsync(payoutId, fromSequenceId, None).Wait(None);
            return true;
        },
        cancellationToken);

    public Task<TopicContents> ReadAsync(DateTimeOffset since, PayoutId? payoutId, CancellationToken cancellationToken) => ReadAsync(
        "topic",
        () => new TopicContents(
            since,
            world.Topic.Where(record => payoutId is null || record.PayoutId == payoutId.Value)
                .GroupBy(record => record.PayoutId)
                .ToDictionary(records => records.Key, records => (IReadOnlyList<PublishedEvent>)[.. records.Select(r => r.Event)])),
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

    private async Task<T> ReadAsync<T>(string what, Func<T> read, CancellationToken cancellationToken)
    {
        var found = await wire.ExecuteAsync($"read {what}", writes: false, read, cancellationToken);
        wire.Doze();
        await wire.StallAsync($"read {what}", cancellationToken);
        return found;
    }
}
