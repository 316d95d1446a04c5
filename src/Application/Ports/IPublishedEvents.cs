using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Ports;

/// <summary>Reads the topic as any consumer would.</summary>
public interface IPublishedEvents
{
    /// <summary>Reads what was sent in some time, and keeps what is of some payouts.</summary>
    /// <param name="since">From when on, by the clock of the hosts.</param>
    /// <param name="until">
    /// Up to when; null for all that is there now. What is read beyond it, where the broker cannot find it more exactly, is no harm.
    /// </param>
    /// <param name="payoutIds">Whose records to keep. Nothing is kept of others, whatever the length of the topic.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="NotDoneException">The broker cannot be reached.</exception>
    Task<TopicContents> ReadAsync(
        DateTimeOffset since, DateTimeOffset? until, IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken);

    /// <summary>Reads what has come into the topic after it was read.</summary>
    /// <param name="read">What was read, up to the end that the topic had.</param>
    /// <param name="payoutIds">Whose records to keep.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="NotDoneException">The broker cannot be reached.</exception>
    Task<TopicContents> ReadOnAsync(
        TopicContents read, IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken);
}

/// <summary>A part of the topic.</summary>
/// <param name="CompleteSince">From when on nothing is missing: later than asked for where the topic forgets.</param>
/// <param name="Records">Its records by key, in the order of the partition.</param>
public sealed record TopicContents(
    DateTimeOffset CompleteSince,
    IReadOnlyDictionary<string, IReadOnlyList<PublishedEvent>> Records)
{
    /// <summary>Where each partition ended when it was read: the offset of its next record.</summary>
    public IReadOnlyDictionary<int, long> Ends { get; init; } = new Dictionary<int, long>();

    /// <summary>The records of a payout.</summary>
    public IReadOnlyList<PublishedEvent> Of(PayoutId payoutId) => Records.GetValueOrDefault(payoutId.Value, []);
}

/// <summary>A record of the topic.</summary>
/// <param name="SequenceId">The event's place in the payout's history; null if the record cannot be read as an event.</param>
/// <param name="Digest">Of the record's value.</param>
/// <param name="Partition">Where it is.</param>
/// <param name="Offset">Its place there.</param>
/// <param name="State">The state that its snapshot shows; null if it cannot be read.</param>
public sealed record PublishedEvent(int? SequenceId, PayloadDigest Digest, int Partition, long Offset, PayoutState? State);

/// <summary>
/// Collects the records of some payouts out of a topic of any length. Of a record that comes again nothing is kept, and of a payout at
/// most <see cref="MostOfPayout"/> records, so that what is kept is limited by the payouts that are asked for.
/// </summary>
/// <param name="payoutIds">Whose records to keep.</param>
public sealed class WantedRecords(IEnumerable<PayoutId> payoutIds)
{
    /// <summary>How many records of a payout are kept; one of ours has four different ones at the most.</summary>
    public const int MostOfPayout = 100;

    private readonly Dictionary<string, List<PublishedEvent>?> _records = payoutIds.Distinct()
        .ToDictionary(id => id.Value, _ => (List<PublishedEvent>?)null);

    /// <summary>How many records are kept.</summary>
    public int Count { get; private set; }

    /// <summary>Whether records of this key are to be kept.</summary>
    public bool Wants(string key) => _records.ContainsKey(key);

    /// <summary>Keeps a record, the next one of its partition, if it is wanted and tells something new.</summary>
    public void Add(string key, PublishedEvent record)
    {
        if (!_records.TryGetValue(key, out var kept))
            return;
        if (kept is null)
            _records[key] = kept = new List<PublishedEvent>(2);
        if (kept.Count == MostOfPayout
            || kept.Exists(k => k.SequenceId == record.SequenceId && k.Digest == record.Digest && k.Partition == record.Partition))
        {
            return;
        }

        kept.Add(record);
        Count++;
    }

    /// <summary>What was kept.</summary>
    /// <param name="completeSince">From when on nothing is missing.</param>
    /// <param name="ends">Where each partition ended.</param>
    public TopicContents ToContents(DateTimeOffset completeSince, IReadOnlyDictionary<int, long> ends) => new(
        completeSince,
        _records.Where(r => r.Value is not null).ToDictionary(r => r.Key, r => (IReadOnlyList<PublishedEvent>)r.Value!))
    {
        Ends = ends,
    };
}
