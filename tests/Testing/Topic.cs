using System.Text;
using Confluent.Kafka;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Testing;

/// <summary>A record of the topic, decoded.</summary>
/// <param name="PayoutId">Its key.</param>
/// <param name="Event">Its value.</param>
/// <param name="Partition">Where it is.</param>
/// <param name="Offset">Its place there.</param>
/// <param name="SentAt">When its sender sent it.</param>
public sealed record TopicRecord(string PayoutId, Event Event, int Partition, long Offset, DateTime SentAt);

/// <summary>What tests do with a topic past the service.</summary>
public static class Topic
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Makes a topic of a mock broker, which makes it for whoever asks for it.</summary>
    public static void Create(string bootstrapServers, string topic)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrapServers, AllowAutoCreateTopics = true })
            .SetLogHandler((_, _) => { })
            .Build();
        admin.GetMetadata(topic, Patience);
    }

    /// <summary>The names of a broker's topics.</summary>
    public static IReadOnlyList<string> List(string bootstrapServers)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrapServers })
            .SetLogHandler((_, _) => { })
            .Build();
        return [.. admin.GetMetadata(Patience).Topics.Select(found => found.Topic)];
    }

    /// <summary>Reads until what was read is enough; throws if it is not within half a minute.</summary>
    public static IReadOnlyList<TopicRecord> ReadUntil(
        string bootstrapServers, string topic, Func<IReadOnlyList<TopicRecord>, bool> isEnough)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = bootstrapServers,
            GroupId = Guid.CreateVersion7().ToString(),
            EnableAutoCommit = false,
        }).SetLogHandler((_, _) => { }).Build();
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var partitions = admin.GetMetadata(topic, Patience).Topics.Single().Partitions;
        consumer.Assign(partitions.Select(p => new TopicPartitionOffset(topic, p.PartitionId, Offset.Beginning)));

        var records = new List<TopicRecord>();
        using var patience = new CancellationTokenSource(Patience);
        while (!isEnough(records))
        {
            ConsumeResult<byte[], byte[]> record;
            try
            {
                record = consumer.Consume(patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException(
                    $"Not enough in {topic}: {string.Join(", ", records.Select(r => $"{r.PayoutId}/{r.Event.SequenceId}"))}");
            }

            records.Add(new TopicRecord(
                Encoding.UTF8.GetString(record.Message.Key),
                ThriftBinary.Deserialize<Event>(record.Message.Value),
                record.Partition.Value,
                record.Offset.Value,
                record.Message.Timestamp.UtcDateTime));
        }

        return records;
    }

    /// <summary>A header of the first record of a topic, as text.</summary>
    public static string? ReadHeader(string bootstrapServers, string topic, string name)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = bootstrapServers,
            GroupId = Guid.CreateVersion7().ToString(),
            AutoOffsetReset = AutoOffsetReset.Earliest,
        }).SetLogHandler((_, _) => { }).Build();
        consumer.Subscribe(topic);
        var headers = consumer.Consume(Patience)?.Message.Headers ?? [];
        return headers.TryGetLastBytes(name, out var value) ? Encoding.ASCII.GetString(value) : null;
    }

    /// <summary>The partition that a Java producer chooses for a key: murmur2, made positive, modulo the partitions.</summary>
    public static int JavaPartition(string key, int partitions) => (Murmur2(Encoding.UTF8.GetBytes(key)) & 0x7fffffff) % partitions;

    /// <summary>The hash of Kafka's Java client.</summary>
    public static int Murmur2(byte[] data)
    {
        unchecked
        {
            const uint m = 0x5bd1e995;
            var h = 0x9747b28c ^ (uint)data.Length;
            var whole = data.Length - (data.Length % 4);
            for (var i = 0; i < whole; i += 4)
            {
                var k = BitConverter.ToUInt32(data, i) * m;
                k ^= k >> 24;
                h = (h * m) ^ (k * m);
            }

            for (var i = data.Length - 1; i >= whole; i--)
                h ^= (uint)data[i] << (8 * (i - whole));
            if (whole < data.Length)
                h *= m;
            h ^= h >> 13;
            h *= m;
            return (int)(h ^ (h >> 15));
        }
    }
}
