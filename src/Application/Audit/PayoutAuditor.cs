using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>
/// Compares what is said of payouts: first row, events and topic with each other and then, where those agree, with the ledger. The
/// ledger is asked by calls or, where its records can be read, not at all.
/// </summary>
internal sealed class PayoutAuditor(
    IPayoutHistory history, IPublishedEvents published, LedgerQuestions questions, ILedgerRecords? records = null)
{
    private const int Looks = 3;

    // As many connections as the service's own calls can do without.
    private const int AtOnce = 8;

    // Hosts' clocks differ; what was created at an instant may have been sent a little before it.
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    private readonly LedgerLookup? _lookup = records is null ? null : new LedgerLookup(records);

    /// <summary>Reads the topic, before anything else is looked at.</summary>
    /// <param name="since">From when on events are to be judged.</param>
    /// <param name="payoutId">The only payout to be judged; null for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="AuditUnfinishedException">Database or topic cannot be read.</exception>
    public async Task<TopicContents> ReadTopicAsync(DateTimeOffset since, PayoutId? payoutId, CancellationToken cancellationToken)
    {
        var contents = await AskAsync(
            AuditSource.Topic, token => published.ReadAsync(since - Skew, payoutId, token), cancellationToken);
        return contents with { CompleteSince = contents.CompleteSince < since ? since : contents.CompleteSince + Skew };
    }

    /// <summary>A page of the payouts that have changed.</summary>
    /// <inheritdoc cref="IPayoutHistory.ListChangedAsync"/>
    /// <exception cref="AuditUnfinishedException">The database cannot be read.</exception>
    public Task<IReadOnlyList<ChangedPayout>> ListChangedAsync(
        DateTimeOffset since, ChangedPayout? after, int limit, CancellationToken cancellationToken) => AskAsync(
        AuditSource.Database, token => history.ListChangedAsync(since, after, limit, token), cancellationToken);

    /// <summary>Everything about a payout id.</summary>
    /// <exception cref="AuditUnfinishedException">The database cannot be read.</exception>
    public Task<PayoutHistory> ReadAsync(PayoutId payoutId, CancellationToken cancellationToken) =>
        AskAsync(AuditSource.Database, token => history.ReadAsync(payoutId, token), cancellationToken);

    /// <summary>Compares what is said of some payouts.</summary>
    /// <returns>An audit of each, in the same order, and whether the ledger is out of reach.</returns>
    /// <exception cref="AuditUnfinishedException">The database, or the ledger's, cannot be read.</exception>
    public async Task<(IReadOnlyList<PayoutAudit> Audits, bool LedgerIsOutOfReach)> AuditAsync(
        IReadOnlyList<PayoutId> payoutIds, TopicContents topic, CancellationToken cancellationToken)
    {
        var audits = new Dictionary<PayoutId, PayoutAudit>();
        var isOutOfReach = false;
        IReadOnlyList<PayoutId> open = payoutIds;
        for (var look = 0; look < Looks && open.Count > 0; look++)
        {
            var before = await ReadAllAsync(open, cancellationToken);
            var settled = open.Where(id => !before[id].IsUnderWay).ToList();
            var evidence = settled.ToDictionary(id => id, id => Evidence.Of(id, before[id], topic));
            await LookForMissingAsync(evidence, before, topic, cancellationToken);
            var findings = await LookAtLedgerAsync(evidence, cancellationToken);

            // What has changed meanwhile cannot be compared.
            var after = await ReadAllAsync(settled, cancellationToken);
            foreach (var id in settled.Where(id => VersionOf(before[id]) == VersionOf(after[id])))
            {
                var finding = findings.GetValueOrDefault(id, LedgerFinding.NotAsked);
                audits[id] = new PayoutAudit(
                    id,
                    IsUnderWay: false,
                    finding.Look,
                    [.. evidence[id].Disagreements, .. finding.Disagreements],
                    finding.NotKnown,
                    finding.Failure);
                isOutOfReach |= finding.IsOutOfReach;
            }

            open = [.. settled.Where(id => !audits.ContainsKey(id))];
        }

        return (
            [.. payoutIds.Select(id => audits.GetValueOrDefault(id) ?? new PayoutAudit(id, IsUnderWay: true, LedgerLook.NotAsked, [], []))],
            isOutOfReach);
    }

    /// <summary>
    /// What the topic lacks may have come after it was read. What was acknowledged by the time at which the history was read is there
    /// now, unless it is lost.
    /// </summary>
    private async Task LookForMissingAsync(
        Dictionary<PayoutId, Evidence> evidence,
        Dictionary<PayoutId, PayoutHistory> histories,
        TopicContents topic,
        CancellationToken cancellationToken)
    {
        var missing = evidence
            .SelectMany(e => e.Value.Disagreements
                .Where(d => d.Kind == DisagreementKind.NotPublished)
                .Select(d => (Id: e.Key, histories[e.Key].Events.First(stored => stored.SequenceId == d.Repairs[0].FromSequenceId).CreatedAt)))
            .ToList();
        if (missing.Count == 0)
            return;
        var later = await ReadTopicAsync(
            missing.Min(m => m.CreatedAt), missing.Count == 1 ? missing[0].Id : null, cancellationToken);
        foreach (var (id, _) in missing)
            evidence[id] = Evidence.Of(id, histories[id], topic.With(later, id));
    }

    /// <summary>Only where row, events and topic agree with each other: otherwise nobody knows what the ledger should say.</summary>
    private async Task<Dictionary<PayoutId, LedgerFinding>> LookAtLedgerAsync(
        Dictionary<PayoutId, Evidence> evidence, CancellationToken cancellationToken)
    {
        var agreeing = evidence.Where(e => e.Value.Disagreements.Count == 0).ToList();
        List<Evidence> payouts = [.. agreeing.Select(e => e.Value)];
        var findings = _lookup is null
            ? await questions.AskAsync(payouts, cancellationToken)
            : await AskAsync(AuditSource.Ledger, token => _lookup.LookUpAsync(payouts, token), cancellationToken);
        return agreeing.Zip(findings).ToDictionary(pair => pair.First.Key, pair => pair.Second);
    }

    private async Task<Dictionary<PayoutId, PayoutHistory>> ReadAllAsync(
        IReadOnlyList<PayoutId> payoutIds, CancellationToken cancellationToken)
    {
        var histories = new Dictionary<PayoutId, PayoutHistory>();
        foreach (var few in payoutIds.Chunk(AtOnce))
        {
            var read = await Task.WhenAll(few.Select(id => ReadAsync(id, cancellationToken)));
            foreach (var (id, found) in few.Zip(read))
                histories[id] = found;
        }

        return histories;
    }

    /// <summary>Asks a source, and says which one it was that could not be asked.</summary>
    private static async Task<T> AskAsync<T>(
        AuditSource source, Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            // Some clients come back only after a time of their own.
            return await ask(cancellationToken).WaitAsync(cancellationToken);
        }
        catch (Exception e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new AuditUnfinishedException(source, e);
        }
    }

    private static (int?, PayoutStatus?, bool, int, int) VersionOf(PayoutHistory history) => (
        history.Payout?.SequenceId, history.Payout?.Status, history.IsUnderWay, history.SpentAttempts, history.Events.Count);
}
