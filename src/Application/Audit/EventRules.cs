using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>
/// What events must say of a payout: its changes without a gap, the last of them the payout as it is, all of them in the
/// topic, in order and in one partition. What a predecessor has told before the first stored event is not judged.
/// </summary>
internal static class EventRules
{
    /// <param name="history">What is stored.</param>
    /// <param name="topic">What was published.</param>
    /// <param name="topicReadAt">
    /// When reading of the topic began, by the database's clock: what was marked as published later may have been missed.
    /// </param>
    public static IEnumerable<Disagreement> Judge(PayoutHistory history, TopicContents topic, DateTimeOffset topicReadAt)
    {
        if (history.Payout is not { } payout)
            return [];
        var records = topic.Records.GetValueOrDefault(payout.Id.Value, []);
        return JudgeStored(payout, history.Events)
            .Concat(JudgePublished(history.Events, records, topic.CompleteSince, topicReadAt))
            .Concat(JudgeRecords(history.Events, records));
    }

    private static IEnumerable<Disagreement> JudgeStored(Payout payout, IReadOnlyList<StoredEvent> events)
    {
        if (events.Count == 0)
            yield break;
        var missing = Enumerable.Range(events[0].SequenceId, payout.SequenceId - events[0].SequenceId + 1)
            .Except(events.Select(e => e.SequenceId))
            .ToList();
        if (missing.Count > 0)
            yield return new(DisagreementKind.EventMissing, $"The payout has changed {payout.SequenceId} times, and event {string.Join(", ", missing)} is not stored. Consumers have to be told by hand.");
        if (events[^1] is { ShowsPayoutAsStored: false } last && last.SequenceId >= payout.SequenceId)
            yield return new(DisagreementKind.EventDiffers, $"Event {last.SequenceId} does not show the payout as it is stored: somebody has changed one of the two by hand.");
    }

    private static IEnumerable<Disagreement> JudgePublished(
        IReadOnlyList<StoredEvent> events,
        IReadOnlyList<PublishedEvent> records,
        DateTimeOffset completeSince,
        DateTimeOffset topicReadAt)
    {
        var published = records.Select(record => (record.SequenceId, record.Digest)).ToHashSet();
        var lost = events.FirstOrDefault(e =>
            e.PublishedAt <= topicReadAt && e.CreatedAt >= completeSince && !published.Contains((e.SequenceId, e.Digest)));
        if (lost is not null)
        {
            yield return new(
                DisagreementKind.NotPublished,
                $"Event {lost.SequenceId} is marked as published, and the topic does not have it.",
                new(RepairAction.SendAgain, FromSequenceId: lost.SequenceId));
        }
    }

    private static IEnumerable<Disagreement> JudgeRecords(
        IReadOnlyList<StoredEvent> events,
        IReadOnlyList<PublishedEvent> records)
    {
        if (events.Count == 0 || records.Count == 0)
            yield break;
        var ours = records.Where(record => !(record.SequenceId < events[0].SequenceId)).ToList();
        var stored = events.Select(e => ((int?)e.SequenceId, e.Digest)).ToHashSet();
        foreach (var record in ours.Where(r => !stored.Contains((r.SequenceId, r.Digest))))
            yield return new(DisagreementKind.ForeignRecord, $"Record {record.Offset} of partition {record.Partition} is not event {record.SequenceId} as it is stored: somebody else writes to the topic.");

        var firsts = ours.DistinctBy(record => record.SequenceId).Select(record => record.SequenceId).ToList();
        if (!firsts.SequenceEqual(firsts.Order()))
            yield return new(DisagreementKind.PublishedOutOfOrder, $"The events came into the topic in the order {string.Join(", ", firsts)}. Consumers that go by order have to read the payout anew.");
        if (ours.Select(record => record.Partition).Distinct().Count() > 1)
            yield return new(DisagreementKind.PublishedOutOfOrder, $"The events are in partitions {string.Join(", ", ours.Select(r => r.Partition).Distinct().Order())}: the topic was given more partitions, or somebody else writes to it.");
    }
}
