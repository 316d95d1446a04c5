using PayoutManager.Infrastructure.Kafka;

namespace PayoutManager.Host.Management.Checks;

/// <summary>A broker answers and has the topic.</summary>
internal sealed class BrokerCheck(KafkaProbe broker) : PartCheck
{
    // librdkafka blocks its caller.
    protected override Task<string?> FindFaultAsync(CancellationToken cancellationToken) =>
        Task.Run(broker.FindFault, CancellationToken.None);
}
