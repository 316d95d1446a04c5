using Confluent.Kafka;

namespace PayoutManager.Infrastructure.Kafka;

/// <summary>The producer's properties: those that the promises rest on, and those that are left to configuration.</summary>
public static class KafkaProducerConfig
{
    private static readonly Dictionary<string, string> Fixed = new()
    {
        // Acknowledged by all replicas, in order, once: what a record in the topic is worth.
        ["acks"] = "all",
        ["enable.idempotence"] = "true",
        // Events never expire inside the client: one that did while later ones pass would break the order.
        ["message.timeout.ms"] = "0",
        // The Java client's partitioner, so that a payout stays where a Java producer has put it.
        ["partitioner"] = "murmur2_random",
    };

    /// <summary>What is wrong with configured properties, each fault naming its property.</summary>
    public static IEnumerable<(string Property, string Fault)> Check(IReadOnlyDictionary<string, string> properties)
    {
        foreach (var (name, _) in properties)
        {
            if (Fixed.TryGetValue(name, out var value))
                yield return (name, $"is always {value}, because the order and safety of events rest on it");
            else if (name is "bootstrap.servers")
                yield return (name, "is set by Kafka:BootstrapServers");
        }
    }

    /// <summary>Tries the properties on librdkafka itself, without a connection.</summary>
    /// <returns>What it says against them; null if nothing.</returns>
    public static string? Try(KafkaOptions options)
    {
        try
        {
            using var producer = new ProducerBuilder<byte[], byte[]>(Build(options)).SetLogHandler((_, _) => { }).Build();
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or KafkaException)
        {
            return e.Message;
        }
    }

    /// <summary>Those properties that also mean something to clients that do not produce.</summary>
    internal static Dictionary<string, string> BuildForReaders(KafkaOptions options) => Build(options)
        .Where(property => !Fixed.ContainsKey(property.Key) && property.Key is not ("linger.ms" or "compression.type"))
        .ToDictionary();

    internal static ProducerConfig Build(KafkaOptions options)
    {
        var config = new Dictionary<string, string>
        {
            ["bootstrap.servers"] = options.BootstrapServers,
            ["client.id"] = "payout-manager",
            ["linger.ms"] = "2",
            ["compression.type"] = "lz4",
        };
        foreach (var (name, value) in options.Properties)
            config[name] = value;
        foreach (var (name, value) in Fixed)
            config[name] = value;
        return new ProducerConfig(config);
    }
}
