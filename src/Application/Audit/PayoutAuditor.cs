using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>A payout to be audited.</summary>
/// <param name="PayoutId">Which.</param>
/// <param name="SequenceId">
/// The change because of which it is. Where there is a later one, the payout is audited again with that, and the ledger is not asked
/// now. Null where it is audited as it is.
/// </param>
internal sealed record AuditSubject(PayoutId PayoutId, int? SequenceId);

/// <summary>
/// Compares what is said of payouts: first row, events and topic with each other and then, where those agree, with the ledger. The
/// ledger is asked by calls or, where its records can be read, not at all.
/// </summary>
internal sealed class PayoutAuditor(
    IPayoutHistory history, IPublishedEvents published, LedgerQuestions questions, ILedgerRecords? records = null)
{
    private const int Looks = 3;

    // Hosts' clocks differ; what was stored at an instant may have been sent a little before it.
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    // Where events are looked for first: sent at once, by clocks that are right. What is not found there is looked for further away.
    private static readonly TimeSpan Nearby = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan?[] FurtherAway = [TimeSpan.FromMinutes(10), TimeSpan.FromHours(4), null];

    private readonly LedgerLookup? _lookup = records is null ? null : new LedgerLookup(records);

    /// <summary>Reads the topic to its end, before anything else is looked at.</summary>
    /// <param name="from">Events that were stored from this instant on are to be judged.</param>
    /// <param name="payoutIds">The payouts to be judged.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="AuditUnfinishedException">The topic cannot be read.</exception>
    public async Task<TopicViews> ReadTopicAsync(
        DateTimeOffset from, IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken) =>
        new(await ReadTopicAsync(from, DateTimeOffset.MaxValue, from - Skew, until: null, payoutIds, cancellationToken));

    /// <summary>
    /// Reads what the topic has of some changes, before anything else is looked at: near the time of each and, where it is not there, further
    /// and further away.
    /// </summary>
    /// <param name="changes">The changes, in order.</param>
    /// <param name="areLast">Whether there are no later ones, so that the topic may as well be read to its end.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="AuditUnfinishedException">The topic cannot be read.</exception>
    public async Task<TopicViews> ReadTopicAsync(
        IReadOnlyList<PayoutChange> changes, bool areLast, CancellationToken cancellationToken)
    {
        var (from, upTo) = (changes[0].StoredAt, changes[^1].StoredAt);
        PayoutId[] payoutIds = [.. changes.Select(change => change.PayoutId).Distinct()];
        if (areLast)
            return new TopicViews(await ReadTopicAsync(from, upTo, from - Skew, until: null, payoutIds, cancellationToken));
        var views = new TopicViews(await ReadTopicAsync(from, upTo, from - Nearby, upTo + Nearby, payoutIds, cancellationToken));
        await LookFurtherAwayAsync(views, upTo, FindMissing, cancellationToken);
        return views;

        List<(PayoutId, DateTimeOffset)> FindMissing() =>
        [
            .. changes
                .Where(change => views.Of(change.PayoutId) is var view
                    && change.StoredAt >= view.From
                    && !view.Contents.Of(change.PayoutId).Any(record => record.SequenceId == change.SequenceId))
                .GroupBy(change => change.PayoutId)
                .Select(ofPayout => (ofPayout.Key, ofPayout.Min(change => change.StoredAt))),
        ];
    }

    /// <summary>Reads all that the topic has of payouts whose events a predecessor has sent, of which none can be missed.</summary>
    /// <exception cref="AuditUnfinishedException">The topic cannot be read.</exception>
    public async Task<TopicViews> ReadWholeTopicAsync(
        IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken) => new(await ReadTopicAsync(
        DateTimeOffset.MaxValue, DateTimeOffset.MaxValue, DateTimeOffset.UnixEpoch, until: null, payoutIds, cancellationToken));

    /// <inheritdoc cref="IPayoutHistory.ListChangesAsync"/>
    /// <exception cref="AuditUnfinishedException">The database cannot be read.</exception>
    public Task<ChangePage> ListChangesAsync(
        AuditPosition after, TimeSpan margin, int limit, CancellationToken cancellationToken) => AskAsync(
        AuditSource.Database, token => history.ListChangesAsync(after, margin, limit, token), cancellationToken);

    /// <inheritdoc cref="IPayoutHistory.ListWithoutEventsAsync"/>
    /// <exception cref="AuditUnfinishedException">The database cannot be read.</exception>
    public Task<QuietPage> ListWithoutEventsAsync(string after, int limit, CancellationToken cancellationToken) => AskAsync(
        AuditSource.Database, token => history.ListWithoutEventsAsync(after, limit, token), cancellationToken);

    /// <summary>Everything about some payout ids.</summary>
    /// <exception cref="AuditUnfinishedException">The database cannot be read.</exception>
    public Task<IReadOnlyDictionary<PayoutId, PayoutHistory>> ReadAsync(
        IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken) =>
        AskAsync(AuditSource.Database, token => history.ReadAsync(payoutIds, token), cancellationToken);

    /// <summary>Compares what is said of some payouts, a page at the most.</summary>
    /// <returns>An audit of each, in the same order, and whether the ledger is out of reach.</returns>
    /// <exception cref="AuditUnfinishedException">The database, or the ledger's, cannot be read.</exception>
    public async Task<(IReadOnlyList<PayoutAudit> Audits, bool LedgerIsOutOfReach)> AuditAsync(
        IReadOnlyList<AuditSubject> subjects, TopicViews topic, CancellationToken cancellationToken)
    {
        var audits = new Dictionary<PayoutId, PayoutAudit>();
        var isOutOfReach = false;
        var open = subjects;
        for (var look = 0; look < Looks && open.Count > 0; look++)
        {
            var before = await ReadAsync([.. open.Select(subject => subject.PayoutId)], cancellationToken);
            var settled = open.Where(subject => !before[subject.PayoutId].IsUnderWay).ToList();
            var evidence = settled.ToDictionary(s => s.PayoutId, s => Evidence.Of(s.PayoutId, before[s.PayoutId], topic.Of(s.PayoutId)));
            await LookAgainAsync(evidence, before, topic, cancellationToken);
            var findings = await LookAtLedgerAsync(
                settled.Where(s => !IsSuperseded(s, before[s.PayoutId])).Select(s => (s.PayoutId, evidence[s.PayoutId])), cancellationToken);

            // What has changed meanwhile cannot be compared.
            var after = await ReadAsync([.. settled.Select(subject => subject.PayoutId)], cancellationToken);
            foreach (var subject in settled.Where(s => VersionOf(before[s.PayoutId]) == VersionOf(after[s.PayoutId])))
            {
                var id = subject.PayoutId;
                var finding = findings.GetValueOrDefault(id, LedgerFinding.NotAsked);
                audits[id] = new PayoutAudit(
                    id,
                    IsUnderWay: false,
                    finding.Look,
                    [.. evidence[id].Disagreements, .. finding.Disagreements],
                    finding.NotKnown,
                    finding.Failure)
                {
                    IsSuperseded = IsSuperseded(subject, before[id]),
                    AwaitsBroker = before[id].Events.Any(e => !e.IsAcknowledged && topic.Of(id).Judges(e)),
                };
                isOutOfReach |= finding.IsOutOfReach;
            }

            open = [.. settled.Where(subject => !audits.ContainsKey(subject.PayoutId))];
        }

        return (
            [.. subjects.Select(subject => audits.GetValueOrDefault(subject.PayoutId) ?? PayoutAudit.UnderWay(subject.PayoutId))],
            isOutOfReach);
    }

    private static bool IsSuperseded(AuditSubject subject, PayoutHistory history) =>
        subject.SequenceId is { } looked && history.Events is [.., var last] && last.SequenceId > looked;

    /// <summary>
    /// What the topic lacks may have come after it was read: what was acknowledged by the time at which the history was read is there now,
    /// unless it is lost. And what seems to be out of order, or to be another event, may be a repeat of an earlier record than those that
    /// were read.
    /// </summary>
    private async Task LookAgainAsync(
        Dictionary<PayoutId, Evidence> evidence,
        IReadOnlyDictionary<PayoutId, PayoutHistory> histories,
        TopicViews topic,
        CancellationToken cancellationToken)
    {
        var late = evidence.Where(e => topic.Of(e.Key).ReadUntil is null && FindLost(e.Value) is not null).Select(e => e.Key).ToList();
        foreach (var read in late.GroupBy(id => topic.Of(id).Contents.Ends).ToList())
        {
            var view = topic.Of(read.First());
            var contents = await AskAsync(
                AuditSource.Topic, token => published.ReadOnAsync(view.Contents, [.. read], token), cancellationToken);
            foreach (var id in read)
                Look(id, view with { Contents = contents });
        }

        await LookFurtherAwayAsync(topic, topic.Common.UpTo, FindMissing, cancellationToken, Look);

        List<(PayoutId, DateTimeOffset)> FindMissing() =>
        [
            .. evidence
                .Select(e => (e.Key, Since: MissingSince(e.Value, histories[e.Key], topic.Of(e.Key))))
                .Where(m => m.Since is not null)
                .Select(m => (m.Key, m.Since!.Value)),
        ];

        void Look(PayoutId id, TopicView view)
        {
            topic.Add(id, view);
            evidence[id] = Evidence.Of(id, histories[id], topic.Of(id));
        }
    }

    /// <summary>Reads more and more of the topic, in the end all of it, for as long as something is missing.</summary>
    private async Task LookFurtherAwayAsync(
        TopicViews topic,
        DateTimeOffset upTo,
        Func<IReadOnlyList<(PayoutId Id, DateTimeOffset Since)>> findMissing,
        CancellationToken cancellationToken,
        Action<PayoutId, TopicView>? look = null)
    {
        foreach (var distance in FurtherAway)
        {
            var missing = findMissing();
            if (missing.Count == 0)
                return;
            var since = missing.Min(m => m.Since);
            var wider = await ReadTopicAsync(
                since,
                upTo,
                since - Skew,
                upTo < DateTimeOffset.MaxValue ? upTo + distance : null,
                [.. missing.Select(m => m.Id)],
                cancellationToken);
            foreach (var (id, _) in missing)
                (look ?? topic.Add)(id, wider);
        }
    }

    /// <summary>The first event that the topic lacks; null where it lacks none.</summary>
    private static Repair? FindLost(Evidence evidence) =>
        evidence.Disagreements.FirstOrDefault(d => d.Kind == DisagreementKind.NotPublished)?.Repairs[0];

    /// <summary>When the first event was stored for which the topic has to be read further away; null where it need not be.</summary>
    private static DateTimeOffset? MissingSince(Evidence evidence, PayoutHistory history, TopicView view)
    {
        if (view.ReadUntil is not null && FindLost(evidence) is { } lost)
            return history.Events.First(stored => stored.SequenceId == lost.FromSequenceId).StoredAt;
        return evidence.Disagreements.Any(d => d.Kind == DisagreementKind.PublishedOutOfOrder)
            && history.Events[0].StoredAt is var first
            && view.ReadSince > first - Skew
            ? first
            : null;
    }

    /// <summary>Only where row, events and topic agree with each other: otherwise nobody knows what the ledger should say.</summary>
    private async Task<Dictionary<PayoutId, LedgerFinding>> LookAtLedgerAsync(
        IEnumerable<(PayoutId PayoutId, Evidence Evidence)> evidence, CancellationToken cancellationToken)
    {
        var agreeing = evidence.Where(e => e.Evidence.Disagreements.Count == 0).ToList();
        List<Evidence> payouts = [.. agreeing.Select(e => e.Evidence)];
        var findings = _lookup is null
            ? await questions.AskAsync(payouts, cancellationToken)
            : await AskAsync(AuditSource.Ledger, token => _lookup.LookUpAsync(payouts, token), cancellationToken);
        return agreeing.Zip(findings).ToDictionary(pair => pair.First.PayoutId, pair => pair.Second);
    }

    private async Task<TopicView> ReadTopicAsync(
        DateTimeOffset from,
        DateTimeOffset upTo,
        DateTimeOffset since,
        DateTimeOffset? until,
        IReadOnlyCollection<PayoutId> payoutIds,
        CancellationToken cancellationToken)
    {
        var contents = await AskAsync(
            AuditSource.Topic, token => published.ReadAsync(since, until, payoutIds, token), cancellationToken);
        // Where the topic has forgotten what is older, an event of that time may have been sent a little earlier.
        var judged = contents.CompleteSince <= since || from == DateTimeOffset.MaxValue ? from : contents.CompleteSince + Skew;
        return new TopicView(judged > from ? judged : from, upTo, contents, since, until);
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
