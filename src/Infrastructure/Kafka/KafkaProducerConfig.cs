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
        // A topic made by the broker's defaults would have another number of partitions than payouts were spread over.
        ["allow.auto.create.topics"] = "false",
    };

    // Other names that librdkafka has for the same.
    private static readonly Dictionary<string, string> Aliases = new()
    {
        ["metadata.broker.list"] = "bootstrap.servers",
        ["request.required.acks"] = "acks",
        ["delivery.timeout.ms"] = "message.timeout.ms",
        ["queue.buffering.max.ms"] = "linger.ms",
        ["compression.codec"] = "compression.type",
    };

    // Kept at librdkafka's defaults, because the relay relies on them.
    private static readonly Dictionary<string, string> Untouchable = new()
    {
        ["transactional.id"] = "the relay does not send in transactions",
        ["transaction.timeout.ms"] = "the relay does not send in transactions",
        ["retries"] = "what is not acknowledged is repeated until it is",
        ["message.send.max.retries"] = "what is not acknowledged is repeated until it is",
        ["enable.gapless.guarantee"] = "one event that the broker refuses would keep back those of all payouts",
        ["queuing.strategy"] = "a payout's events are sent in their order",
        ["msg_order_cmp"] = "a payout's events are sent in their order",
        ["queue.buffering.max.messages"] = "the queue has to hold what the relay has on its way",
        ["queue.buffering.max.kbytes"] = "the queue has to hold what the relay has on its way",
        ["delivery.report.only.error"] = "an event is acknowledged by its delivery report",
        ["enabled_events"] = "an event is acknowledged by its delivery report",
    };

    // Of the client for .NET, such as switching delivery reports off; and of a cluster that exists in this process only.
    private static readonly string[] UntouchablePrefixes = ["dotnet.", "test.mock."];

    /// <summary>What is wrong with configured properties, each fault naming its property.</summary>
    public static IEnumerable<(string Property, string Fault)> Check(IReadOnlyDictionary<string, string> properties)
    {
        foreach (var name in properties.Keys)
        {
            var meant = Aliases.GetValueOrDefault(name, name);
            if (Fixed.TryGetValue(meant, out var value))
                yield return (name, $"is always {value}, because the order and safety of events rest on it");
            else if (meant == "bootstrap.servers")
                yield return (name, "is set by Kafka:BootstrapServers");
            else if (meant != name)
                yield return (name, $"is called {meant} here");
            else if (Untouchable.TryGetValue(name, out var reason))
                yield return (name, $"cannot be set: {reason}");
            else if (UntouchablePrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)))
                yield return (name, "cannot be set: it is not a property of a producer at a cluster of its own");
        }
    }

    /// <summary>Tries the properties on librdkafka itself, without a connection.</summary>
    /// <returns>
    /// What it says against them, and the property that it speaks of, where it names one; null if it says nothing.
    /// </returns>
    public static (string? Property, string Fault)? Try(KafkaOptions options)
    {
        try
        {
            using var producer = new ProducerBuilder<byte[], byte[]>(Build(options)).SetLogHandler((_, _) => { }).Build();
            return null;
        }
        catch (Exception e)
        {
            // Whatever it is, it is about what was configured.
            var fault = e.Message.Trim();
            return (options.Properties.Keys.FirstOrDefault(name => fault.Contains(name, StringComparison.Ordinal)), fault);
        }
    }

    /// <summary>Those properties that also mean something to clients that do not produce.</summary>
    internal static Dictionary<string, string> BuildForReaders(KafkaOptions options) => Build(options)
        .Where(property => !Fixed.ContainsKey(property.Key) && property.Key is not ("linger.ms" or "compression.type"))
        .ToDictionary();

    /// <summary>As for readers; and asking for a topic does not create it, as it does by default.</summary>
    internal static Dictionary<string, string> BuildForProbe(KafkaOptions options) => new(BuildForReaders(options))
    {
        ["allow.auto.create.topics"] = Fixed["allow.auto.create.topics"],
    };

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
