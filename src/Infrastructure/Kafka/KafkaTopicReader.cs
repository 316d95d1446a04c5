using System.Text;
using Confluent.Kafka;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Contracts;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Infrastructure.Kafka;

/// <summary>Reads the topic from an instant to where its end is now, as a consumer of no group.</summary>
internal sealed class KafkaTopicReader(KafkaOptions options) : IPublishedEvents
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public Task<TopicContents> ReadAsync(DateTimeOffset since, PayoutId? payoutId, CancellationToken cancellationToken) =>
        Task.Run(
            () =>
            {
                try
                {
                    return Read(since, payoutId, cancellationToken);
                }
                catch (KafkaException e)
                {
                    throw new NotDoneException($"The topic cannot be read: {e.Error.Reason}.", e);
                }
            },
            cancellationToken);

    private TopicContents Read(DateTimeOffset since, PayoutId? payoutId, CancellationToken cancellationToken)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(Configure()).SetLogHandler((_, _) => { }).Build();
        var ranges = FindRanges(consumer, since, cancellationToken);
        var lows = ranges.ToDictionary(range => range.Partition, range => range.Low);
        var records = new Dictionary<string, List<PublishedEvent>>();
        var completeSince = since;
        foreach (var record in Consume(consumer, ranges, cancellationToken))
        {
            // The first that is left of a partition whose beginning the topic has forgotten.
            var low = lows[record.TopicPartition];
            if (record.Offset == low && low > 0 && SentAt(record) > completeSince)
                completeSince = SentAt(record);

            var key = record.Message.Key is { } bytes ? Encoding.UTF8.GetString(bytes) : "";
            if (payoutId is not null && key != payoutId.Value)
                continue;
            if (!records.TryGetValue(key, out var ofPayout))
                records[key] = ofPayout = [];
            ofPayout.Add(ToEvent(record));
        }

        return new TopicContents(
            completeSince, records.ToDictionary(r => r.Key, r => (IReadOnlyList<PublishedEvent>)r.Value));
    }

    /// <summary>What of each partition was sent since, as the broker finds it.</summary>
    private List<Range> FindRanges(IConsumer<byte[], byte[]> consumer, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var all = new List<Range>();
        foreach (var partition in FindPartitions(consumer))
        {
            var bounds = consumer.QueryWatermarkOffsets(partition, Patience);
            if (bounds.High > bounds.Low)
                all.Add(new Range(partition, bounds.Low, bounds.Low, bounds.High));
        }

        var found = consumer.OffsetsForTimes(all.Select(r => new TopicPartitionTimestamp(r.Partition, new Timestamp(since))), Patience)
            .ToDictionary(f => f.TopicPartition, f => f.Offset);
        var ranges = all.Where(r => !found[r.Partition].IsSpecial).Select(r => r with { First = found[r.Partition] });

        // Nothing was sent since, or the broker cannot search by time: the last record tells which.
        var unknown = all.Where(r => found[r.Partition].IsSpecial).ToList();
        var searchedInVain = Consume(consumer, unknown.ConvertAll(r => r with { First = r.End - 1 }), cancellationToken)
            .Where(last => SentAt(last) >= since)
            .Select(last => last.TopicPartition)
            .ToHashSet();
        return [.. ranges, .. unknown.Where(r => searchedInVain.Contains(r.Partition))];
    }

    private Dictionary<string, string> Configure()
    {
        var config = KafkaProducerConfig.BuildForReaders(options);
        // Needed by the client, used by nobody: nothing is subscribed and nothing committed.
        config["group.id"] = "payout-manager-audit";
        config["enable.auto.commit"] = "false";
        config["enable.partition.eof"] = "true";
        return config;
    }

    private IEnumerable<TopicPartition> FindPartitions(IConsumer<byte[], byte[]> consumer)
    {
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        return admin.GetMetadata(options.Topic, Patience).Topics.Single().Partitions
            .Select(partition => new TopicPartition(options.Topic, partition.PartitionId))
            .ToList();
    }

    private static IEnumerable<ConsumeResult<byte[], byte[]>> Consume(
        IConsumer<byte[], byte[]> consumer,
        IReadOnlyCollection<Range> ranges,
        CancellationToken cancellationToken)
    {
        var open = ranges.ToDictionary(range => range.Partition, range => range.End);
        if (open.Count == 0)
            yield break;
        consumer.Assign(ranges.Select(range => new TopicPartitionOffset(range.Partition, range.First)));
        while (open.Count > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var result = consumer.Consume(Patience)
                ?? throw new KafkaException(new Error(ErrorCode.Local_TimedOut, "no answer from the broker"));
            if (!open.TryGetValue(result.TopicPartition, out var end))
                continue;
            // The last offset may be missing, as after compaction.
            if (result.IsPartitionEOF || result.Offset >= end - 1)
                open.Remove(result.TopicPartition);
            if (!result.IsPartitionEOF && result.Offset < end)
                yield return result;
        }
    }

    private static DateTimeOffset SentAt(ConsumeResult<byte[], byte[]> record) => new(record.Message.Timestamp.UtcDateTime);

    private static PublishedEvent ToEvent(ConsumeResult<byte[], byte[]> record)
    {
        var payload = record.Message.Value ?? [];
        int? sequenceId = null;
        PayoutState? state = null;
        try
        {
            var read = ThriftBinary.Deserialize<Event>(payload);
            (sequenceId, state) = (read.SequenceId, PayoutContract.StateOf(read.Payout));
        }
        catch (ThriftFormatException)
        {
            // Somebody else's.
        }

        return new PublishedEvent(sequenceId, PayloadDigest.Of(payload), record.Partition.Value, record.Offset.Value, state);
    }

    /// <summary>A part of a partition: what it keeps begins at the low offset, what is read at the first.</summary>
    private sealed record Range(TopicPartition Partition, long Low, long First, long End);
}
