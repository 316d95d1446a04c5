using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Ports;

/// <summary>Reads the topic as any consumer would.</summary>
public interface IPublishedEvents
{
    /// <summary>What was sent since an instant, up to now.</summary>
    /// <param name="since">The instant, by the clock of the hosts.</param>
    /// <param name="payoutId">The only payout to keep events of; null for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="NotDoneException">The broker cannot be reached.</exception>
    Task<TopicContents> ReadAsync(DateTimeOffset since, PayoutId? payoutId, CancellationToken cancellationToken);
}

/// <summary>A part of the topic.</summary>
/// <param name="CompleteSince">From when on nothing is missing: later than asked for where the topic forgets.</param>
/// <param name="Records">Its records by key, in the order of the partition.</param>
public sealed record TopicContents(
    DateTimeOffset CompleteSince,
    IReadOnlyDictionary<string, IReadOnlyList<PublishedEvent>> Records)
{
    /// <summary>These contents with the records of a payout that were there later.</summary>
    internal TopicContents With(TopicContents later, PayoutId payoutId)
    {
        var records = Records.GetValueOrDefault(payoutId.Value, []);
        var known = records.Select(r => (r.Partition, r.Offset)).ToHashSet();
        var added = later.Records.GetValueOrDefault(payoutId.Value, []).Where(r => !known.Contains((r.Partition, r.Offset)));
        return this with
        {
            Records = new Dictionary<string, IReadOnlyList<PublishedEvent>> { [payoutId.Value] = [.. records, .. added] },
        };
    }
}

/// <summary>A record of the topic.</summary>
/// <param name="SequenceId">The event's place in the payout's history; null if the record cannot be read as an event.</param>
/// <param name="Digest">Of the record's value.</param>
/// <param name="Partition">Where it is.</param>
/// <param name="Offset">Its place there.</param>
/// <param name="State">The state that its snapshot shows; null if it cannot be read.</param>
public sealed record PublishedEvent(int? SequenceId, PayloadDigest Digest, int Partition, long Offset, PayoutState? State);
