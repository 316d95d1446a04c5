namespace PayoutManager.Infrastructure.Kafka;

/// <summary>Where events are told.</summary>
public sealed record KafkaOptions
{
    /// <summary>The topic that the platform reads.</summary>
    public const string DefaultTopic = "pm-events-payout";

    /// <summary>Host and port of one broker or several, separated by commas.</summary>
    public required string BootstrapServers { get; init; }

    /// <summary>The topic. Default <see cref="DefaultTopic"/>.</summary>
    public string Topic { get; init; } = DefaultTopic;

    /// <summary>Further properties of librdkafka, such as those of SSL and SASL.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();
}
