using Confluent.Kafka;

namespace PayoutManager.Infrastructure.Kafka;

/// <summary>Tells whether the topic is there and a broker answers. Creates neither.</summary>
public sealed class KafkaProbe(KafkaOptions options) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Lazy<IAdminClient> _admin = new(
        () => new AdminClientBuilder(new AdminClientConfig(KafkaProducerConfig.BuildForProbe(options)))
            .SetLogHandler((_, _) => { })
            .Build(),
        // A client that could not be made is tried again.
        LazyThreadSafetyMode.PublicationOnly);

    /// <summary>What keeps events from being sent; null if nothing does. Takes up to 2 s.</summary>
    public string? FindFault()
    {
        try
        {
            var metadata = _admin.Value.GetMetadata(options.Topic, Patience);
            if (metadata.Brokers.Count == 0)
                return "no broker in the cluster";
            return metadata.Topics.SingleOrDefault()?.Error switch
            {
                null or { Code: ErrorCode.UnknownTopicOrPart } => $"topic {options.Topic} does not exist",
                { IsError: true } error => $"topic {options.Topic}: {error.Reason}",
                _ => null,
            };
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
