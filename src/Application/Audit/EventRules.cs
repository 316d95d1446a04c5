using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>
/// What events must say of a payout: its changes without a gap, each possible after the one before, the last of them the payout as it
/// is, all of them in the topic, in order and in one partition. Of what a predecessor published before the first stored event, only
/// the latest record is compared with the row.
/// </summary>
internal static class EventRules
{
    /// <param name="payout">The row.</param>
    /// <param name="events">What is stored, in order.</param>
    /// <param name="records">What was published, in the order of each partition.</param>
    /// <param name="topic">The topic, as it was read.</param>
    public static IEnumerable<Disagreement> Judge(
        Payout payout,
        IReadOnlyList<StoredEvent> events,
        IReadOnlyList<PublishedEvent> records,
        TopicView topic) => events.Count == 0
        ? JudgePredecessors(payout, records)
        : JudgeStored(payout, events)
            .Concat(JudgePublished(events, records, topic))
            .Concat(JudgeRecords(events, records));

    private static IEnumerable<Disagreement> JudgePredecessors(Payout payout, IReadOnlyList<PublishedEvent> records)
    {
        if (records.MaxBy(r => r.SequenceId ?? -1) is not { SequenceId: { } sequenceId } last || sequenceId < payout.SequenceId)
            yield break;
        if (sequenceId > payout.SequenceId)
            yield return new(DisagreementKind.EventDiffers, $"The payout's row has changed {payout.SequenceId} times, and the topic has event {sequenceId}: somebody has changed the row by hand.");
        else if (last.State is { } state && state != payout.Status.State)
            yield return new(DisagreementKind.EventDiffers, $"The payout's row is {payout.Status}, and event {sequenceId} in the topic shows it {Name(state)}: somebody has changed the row by hand.");
    }

    private static IEnumerable<Disagreement> JudgeStored(Payout payout, IReadOnlyList<StoredEvent> events)
    {
        var last = events[^1];
        var missing = Enumerable.Range(events[0].SequenceId, Math.Max(0, payout.SequenceId - events[0].SequenceId + 1))
            .Except(events.Select(e => e.SequenceId))
            .ToList();
        if (missing.Count > 0)
            yield return new(DisagreementKind.EventMissing, $"The payout has changed {payout.SequenceId} times, and event {string.Join(", ", missing)} is not stored. Consumers have to be told by hand.");
        if (last.SequenceId > payout.SequenceId)
            yield return new(DisagreementKind.EventDiffers, $"The payout's row has changed {payout.SequenceId} times, and event {last.SequenceId} is stored: somebody has changed one of the two by hand.");
        else if (last.SequenceId == payout.SequenceId && !last.ShowsPayoutAsStored)
            yield return new(DisagreementKind.EventDiffers, $"Event {last.SequenceId} shows the payout {Name(last.State)} and not as its row, which is {payout.Status}: somebody has changed one of the two by hand.");

        if (events[0] is { SequenceId: 0, State: not PayoutState.Unpaid } first)
            yield return new(DisagreementKind.EventDiffers, $"Event 0 shows the payout {Name(first.State)}, and every payout is created unpaid.");
        foreach (var (before, after) in events.Zip(events.Skip(1)))
        {
            if (after.SequenceId == before.SequenceId + 1 && !CanFollow(before.State, after.State))
                yield return new(DisagreementKind.EventDiffers, $"Event {after.SequenceId} shows the payout {Name(after.State)} after {Name(before.State)}, which no call does.");
        }
    }

    private static IEnumerable<Disagreement> JudgePublished(
        IReadOnlyList<StoredEvent> events,
        IReadOnlyList<PublishedEvent> records,
        TopicView topic)
    {
        var published = records.Select(record => (record.SequenceId, record.Digest)).ToHashSet();
        var lost = events.FirstOrDefault(e =>
            e.IsAcknowledged && topic.Judges(e) && !published.Contains((e.SequenceId, e.Digest)));
        if (lost is not null)
        {
            yield return new(
                DisagreementKind.NotPublished,
                $"The broker has acknowledged event {lost.SequenceId}, and the topic does not have it.",
                new Repair(RepairAction.SendAgain, FromSequenceId: lost.SequenceId));
        }
    }

    private static IEnumerable<Disagreement> JudgeRecords(
        IReadOnlyList<StoredEvent> events,
        IReadOnlyList<PublishedEvent> records)
    {
        var ours = records.Where(record => !(record.SequenceId < events[0].SequenceId)).ToList();
        if (ours.Count == 0)
            yield break;
        var stored = events.Select(e => ((int?)e.SequenceId, e.Digest)).ToHashSet();
        foreach (var record in ours.Where(r => !stored.Contains((r.SequenceId, r.Digest))))
            yield return new(DisagreementKind.ForeignRecord, $"Record {record.Offset} of partition {record.Partition} is not event {record.SequenceId} as it is stored: somebody else writes to the topic.");

        ours.RemoveAll(r => !stored.Contains((r.SequenceId, r.Digest)));
        var firsts = ours.DistinctBy(record => record.SequenceId).Select(record => record.SequenceId).ToList();
        if (!firsts.SequenceEqual(firsts.Order()))
            yield return new(DisagreementKind.PublishedOutOfOrder, $"The events came into the topic in the order {string.Join(", ", firsts)}. Consumers that go by order have to read the payout anew.");
        if (ours.Select(record => record.Partition).Distinct().Count() > 1)
            yield return new(DisagreementKind.PublishedOutOfOrder, $"The events are in partitions {string.Join(", ", ours.Select(r => r.Partition).Distinct().Order())}: the topic was given more partitions, or somebody else writes to it.");
    }

    private static bool CanFollow(PayoutState? before, PayoutState? after) => (before, after) switch
    {
        (null, _) or (_, null) => false,
        (PayoutState.Unpaid, not PayoutState.Unpaid) => true,
        (PayoutState.Paid, PayoutState.Confirmed or PayoutState.Cancelled) => true,
        (PayoutState.Confirmed, PayoutState.Cancelled) => true,
        _ => false,
    };

    private static string Name(PayoutState? state) => state is { } known ? $"{PayoutStatus.Restore(known, null)}" : "in no state that can be read";
}
