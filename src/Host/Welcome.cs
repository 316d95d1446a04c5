namespace PayoutManager.Host;

/// <summary>What a developer wants to know of a host that has just started.</summary>
internal static class Welcome
{
    public static string To(PayoutHost host) =>
        $"""

        PayoutManager is up.
          Payouts     POST {host.ThriftUrl}
          Operators   {host.ManagementUrl}health/ready  {host.ManagementUrl}info
          Kafka       {host.Kafka.BootstrapServers}  topic {host.Kafka.Topic}
          Sandbox     {host.Sandbox?.Url.ToString() ?? "none: PartyManagement and Shumway are elsewhere"}

        Watch the events:
          kcat -b {host.Kafka.BootstrapServers} -t {host.Kafka.Topic} -C -f 'partition %p offset %o key %k, %S bytes\n'

        """;
}
