using System.Text;
using Confluent.Kafka;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Host.Demo;

/// <summary>Reads a payout's events from the topic, as any consumer would.</summary>
internal static class TopicReader
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The first events of a payout; fewer if no more come within 10 s.</summary>
    public static IReadOnlyList<(Event Event, int Partition, long Offset)> Read(KafkaOptions kafka, string payoutId, int count)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = kafka.BootstrapServers,
            GroupId = $"demo-{payoutId}",
            AutoOffsetReset = AutoOffsetReset.Earliest,
        }).SetLogHandler((_, _) => { }).Build();
        consumer.Subscribe(kafka.Topic);

        var events = new List<(Event, int, long)>();
        while (events.Count < count && consumer.Consume(Patience) is { } record)
        {
            if (Encoding.UTF8.GetString(record.Message.Key) == payoutId)
                events.Add((ThriftBinary.Deserialize<Event>(record.Message.Value), record.Partition.Value, record.Offset.Value));
        }

        consumer.Close();
        return events;
    }
}
