using Confluent.Kafka;

namespace PayoutManager.Sandbox.Broker;

/// <summary>
/// A Kafka broker inside this process, for development and tests: librdkafka's mock cluster, which speaks the protocol to
/// any client on this machine and forgets everything when it stops.
/// </summary>
public sealed class EmbeddedBroker : IDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(10);

    private readonly IProducer<Null, Null> _cluster;

    /// <summary>Starts a broker on a free port of this machine.</summary>
    /// <param name="topics">The topics that it has, of four partitions each.</param>
    /// <exception cref="KafkaException">It did not come up.</exception>
    public EmbeddedBroker(params IEnumerable<string> topics)
    {
        // The producer is only there to host the cluster; its own bootstrap address is replaced by the cluster's.
        _cluster = new ProducerBuilder<Null, Null>(new Dictionary<string, string>
        {
            ["test.mock.num.brokers"] = "1",
            ["bootstrap.servers"] = "embedded",
        }).SetLogHandler((_, _) => { }).Build();
        using var admin = new DependentAdminClientBuilder(_cluster.Handle).Build();
        BootstrapServers = string.Join(
            ',', admin.GetMetadata(StartTimeout).Brokers.Select(broker => $"{broker.Host}:{broker.Port}"));
        // It makes a topic for whoever asks for it.
        foreach (var topic in topics)
            admin.GetMetadata(topic, StartTimeout);
    }

    /// <summary>Where clients find it.</summary>
    public string BootstrapServers { get; }

    /// <summary>Stops the broker; its topics are gone.</summary>
    public void Dispose() => _cluster.Dispose();
}
