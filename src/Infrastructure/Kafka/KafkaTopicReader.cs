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

/// <summary>Reads the topic between two instants, as a consumer of no group.</summary>
internal sealed class KafkaTopicReader(KafkaOptions options, TimeProvider clock) : IPublishedEvents
{
    // What librdkafka keeps of what it has read ahead, unless it is configured: 8 MiB, and not 64.
    private const string ReadAhead = "queued.max.messages.kbytes";
    private const string MostReadAhead = "8192";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public Task<TopicContents> ReadAsync(
        DateTimeOffset since, DateTimeOffset? until, IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken) =>
        ReadAsync(
            payoutIds,
            since,
            (consumer, kept) => FindRanges(consumer, kept, since, until, cancellationToken),
            cancellationToken);

    public Task<TopicContents> ReadOnAsync(
        TopicContents read, IReadOnlyCollection<PayoutId> payoutIds, CancellationToken cancellationToken) => ReadAsync(
        payoutIds,
        read.CompleteSince,
        (_, kept) => kept.ConvertAll(r => r with { First = Math.Max(r.Low, read.Ends.GetValueOrDefault(r.Partition.Partition.Value)) }),
        cancellationToken);

    private Task<TopicContents> ReadAsync(
        IReadOnlyCollection<PayoutId> payoutIds,
        DateTimeOffset completeSince,
        Func<IConsumer<byte[], byte[]>, List<Range>, List<Range>> findRanges,
        CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            try
            {
                return Read(new WantedRecords(payoutIds), completeSince, findRanges, cancellationToken);
            }
            catch (KafkaException e)
            {
                throw new NotDoneException($"The topic cannot be read: {e.Error.Reason}.", e);
            }
        },
        cancellationToken);

    private TopicContents Read(
        WantedRecords wanted,
        DateTimeOffset completeSince,
        Func<IConsumer<byte[], byte[]>, List<Range>, List<Range>> findRanges,
        CancellationToken cancellationToken)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(Configure()).SetLogHandler((_, _) => { }).Build();
        var all = FindKept(consumer);
        // An empty partition that was not always so has forgotten everything.
        if (all.Exists(range => range.End == range.Low && range.Low > 0))
            completeSince = clock.GetUtcNow();
        var ranges = findRanges(consumer, all.FindAll(range => range.End > range.Low));
        var lows = ranges.Where(range => range.First == range.Low && range.Low > 0).ToDictionary(range => range.Partition, range => range.Low);
        // Where the topic has forgotten all of that time, the first that is left is still to be seen.
        var seen = ranges.Select(range => range.End <= range.First && lows.ContainsKey(range.Partition) ? range with { End = range.First + 1 } : range);
        foreach (var record in Consume(consumer, [.. seen.Where(range => range.End > range.First)], cancellationToken))
        {
            // The first that is left of a partition whose beginning the topic has forgotten.
            if (lows.TryGetValue(record.TopicPartition, out var low) && record.Offset == low && SentAt(record) > completeSince)
                completeSince = SentAt(record);

            var key = record.Message.Key is { } bytes ? Encoding.UTF8.GetString(bytes) : "";
            if (wanted.Wants(key))
                wanted.Add(key, ToEvent(record));
        }

        return wanted.ToContents(completeSince, all.ToDictionary(range => range.Partition.Partition.Value, range => range.End));
    }

    /// <summary>What the topic keeps of each partition.</summary>
    private List<Range> FindKept(IConsumer<byte[], byte[]> consumer)
    {
        var all = new List<Range>();
        foreach (var partition in FindPartitions(consumer))
        {
            var bounds = consumer.QueryWatermarkOffsets(partition, Patience);
            all.Add(new Range(partition, bounds.Low, bounds.Low, bounds.High));
        }

        return all;
    }

    /// <summary>What of each partition was sent in some time, as the broker finds it.</summary>
    private static List<Range> FindRanges(
        IConsumer<byte[], byte[]> consumer,
        List<Range> kept,
        DateTimeOffset since,
        DateTimeOffset? until,
        CancellationToken cancellationToken)
    {
        var found = FindOffsets(since);
        var ranges = kept.Where(r => !found[r.Partition].IsSpecial).Select(r => r with { First = found[r.Partition] });

        // Nothing was sent since, or the broker cannot search by time: the last record tells which.
        var unknown = kept.Where(r => found[r.Partition].IsSpecial).ToList();
        var searchedInVain = Consume(consumer, unknown.ConvertAll(r => r with { First = r.End - 1 }), cancellationToken)
            .Where(last => SentAt(last) >= since)
            .Select(last => last.TopicPartition)
            .ToHashSet();
        List<Range> all = [.. ranges, .. unknown.Where(r => searchedInVain.Contains(r.Partition))];
        if (until is null || all.Count == 0)
            return all;
        var ends = FindOffsets(until.Value);
        return all.ConvertAll(r => ends[r.Partition] is { IsSpecial: false } end && end < r.End ? r with { End = end } : r);

        Dictionary<TopicPartition, Offset> FindOffsets(DateTimeOffset instant) => consumer
            .OffsetsForTimes(kept.Select(r => new TopicPartitionTimestamp(r.Partition, new Timestamp(instant))), Patience)
            .ToDictionary(f => f.TopicPartition, f => f.Offset);
    }

    private Dictionary<string, string> Configure()
    {
        var config = KafkaProducerConfig.BuildForReaders(options);
        config.TryAdd(ReadAhead, MostReadAhead);
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
