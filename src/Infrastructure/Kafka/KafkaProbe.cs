using Confluent.Kafka;

namespace PayoutManager.Infrastructure.Kafka;

/// <summary>Tells whether a broker can be reached.</summary>
public sealed class KafkaProbe(KafkaOptions options) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Lazy<IAdminClient> _admin = new(() =>
        new AdminClientBuilder(new AdminClientConfig(KafkaProducerConfig.BuildForReaders(options)))
            .SetLogHandler((_, _) => { })
            .Build());

    /// <summary>What keeps the broker out of reach; null if it answers. Takes up to 2 s.</summary>
    public string? FindFault()
    {
        try
        {
            return _admin.Value.GetMetadata(options.Topic, Patience).Brokers.Count > 0
                ? null
                : "no broker in the cluster";
        }
        catch (KafkaException e)
        {
            return e.Error.Reason;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_admin.IsValueCreated)
            _admin.Value.Dispose();
    }
}
