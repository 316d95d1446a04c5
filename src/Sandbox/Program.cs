using PayoutManager.Sandbox;
using PayoutManager.Sandbox.Broker;

if (args is ["broker"])
{
    using var broker = new EmbeddedBroker();
    Console.WriteLine($"A Kafka broker is up at {broker.BootstrapServers}; it forgets everything when it stops.");
    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System);
}

var url = args.Length > 0 ? args[0] : "http://localhost:8024";
await using var sandbox = await SandboxServer.StartAsync(url, builder => builder.Host.UseConsoleLifetime());
Console.WriteLine($"""
    The sandbox is up; it forgets everything when it stops.
      PartyManagement  {sandbox.PartyManagementUrl}
      Shumway          {sandbox.ShumwayUrl}
      Look inside      {sandbox.Url}parties  accounts  plans
      Let calls fail   curl -X PUT -H 'Content-Type: application/json' -d '{"{"}"rate": 0.08{"}"}' {sandbox.Url}faults
    """);
await sandbox.WaitForShutdownAsync();
