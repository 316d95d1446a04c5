using System.Text;
using Confluent.Kafka;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
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
        var records = new Dictionary<string, List<PublishedEvent>>();
        var completeSince = since;
        foreach (var partition in FindPartitions(consumer))
        {
            var bounds = consumer.QueryWatermarkOffsets(partition, Patience);
            if (bounds.High == bounds.Low || SentAt(consumer, partition, bounds.High.Value - 1, cancellationToken) < since)
                continue;
            var first = FindFirst(consumer, partition, bounds, since);
            if (first == bounds.Low && bounds.Low > 0 && SentAt(consumer, partition, first, cancellationToken) is var kept && kept > completeSince)
                completeSince = kept;
            foreach (var record in Consume(consumer, partition, first, bounds.High.Value, cancellationToken))
            {
                var key = record.Message.Key is { } bytes ? Encoding.UTF8.GetString(bytes) : "";
                if (payoutId is not null && key != payoutId.Value)
                    continue;
                if (!records.TryGetValue(key, out var ofPayout))
                    records[key] = ofPayout = [];
                ofPayout.Add(ToEvent(record));
            }
        }

        return new TopicContents(
            completeSince, records.ToDictionary(r => r.Key, r => (IReadOnlyList<PublishedEvent>)r.Value));
    }

    private Dictionary<string, string> Configure()
    {
        var config = KafkaProducerConfig.Build(options)
            .Where(property => !KafkaProducerConfig.IsProducersOnly(property.Key))
            .ToDictionary();
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

    /// <summary>The first record sent at or after the instant, as the broker finds it.</summary>
    private static long FindFirst(
        IConsumer<byte[], byte[]> consumer,
        TopicPartition partition,
        WatermarkOffsets bounds,
        DateTimeOffset since)
    {
        var found = consumer.OffsetsForTimes(
            [new TopicPartitionTimestamp(partition, new Timestamp(since))], Patience).Single().Offset;
        // There is one, as the last record shows; a broker that cannot search by time says that there is none.
        return found.IsSpecial ? bounds.Low : found;
    }

    private static DateTimeOffset SentAt(
        IConsumer<byte[], byte[]> consumer,
        TopicPartition partition,
        long offset,
        CancellationToken cancellationToken) =>
        new(Consume(consumer, partition, offset, offset + 1, cancellationToken).First().Message.Timestamp.UtcDateTime);

    private static IEnumerable<ConsumeResult<byte[], byte[]>> Consume(
        IConsumer<byte[], byte[]> consumer,
        TopicPartition partition,
        long first,
        long end,
        CancellationToken cancellationToken)
    {
        consumer.Assign(new TopicPartitionOffset(partition, first));
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var result = consumer.Consume(Patience)
                ?? throw new KafkaException(new Error(ErrorCode.Local_TimedOut, "no answer from the broker"));
            // Also where offsets are missing, as after compaction.
            if (result.IsPartitionEOF || result.Offset >= end)
                yield break;
            yield return result;
            if (result.Offset == end - 1)
                yield break;
        }
    }

    private static PublishedEvent ToEvent(ConsumeResult<byte[], byte[]> record)
    {
        var payload = record.Message.Value ?? [];
        int? sequenceId = null;
        try
        {
            sequenceId = ThriftBinary.Deserialize<Event>(payload).SequenceId;
        }
        catch (ThriftFormatException)
        {
            // Somebody else's.
        }

        return new PublishedEvent(sequenceId, PayloadDigest.Of(payload), record.Partition.Value, record.Offset.Value);
    }
}
