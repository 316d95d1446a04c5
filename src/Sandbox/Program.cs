using PayoutManager.Sandbox;
using PayoutManager.Sandbox.Broker;
using PayoutManager.Sandbox.Ledger;

SandboxArguments arguments;
try
{
    arguments = SandboxArguments.Parse(args);
}
catch (FormatException e)
{
    Console.Error.WriteLine($"{e.Message}\n\n{SandboxArguments.Usage}");
    return 2;
}

if (arguments.Help)
{
    Console.WriteLine(SandboxArguments.Usage);
    return 0;
}

if (arguments.Broker)
{
    using var broker = new EmbeddedBroker(arguments.Topics);
    Console.WriteLine($"A Kafka broker is up at {broker.BootstrapServers}; it forgets everything when it stops.");
    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System);
}

var url = arguments.Url ?? SandboxArguments.DefaultUrl;
SandboxServer started;
try
{
    started = await SandboxServer.StartAsync(
        url, builder => builder.Host.UseConsoleLifetime(), arguments.Ledger ?? LedgerForm.Deployed);
}
catch (IOException e)
{
    Console.Error.WriteLine($"The sandbox cannot listen at {url}: {e.Message}");
    return 1;
}

await using var sandbox = started;
const string PutJson = "curl -X PUT -H 'Content-Type: application/json' -d";
var answers = sandbox.Accounter.Form == LedgerForm.Deployed ? "the deployed one does" : "its contract declares";
Console.WriteLine($$"""
    The sandbox is up; it forgets everything when it stops.
      PartyManagement  {{sandbox.PartyManagementUrl}}
      Shumway          {{sandbox.ShumwayUrl}}, answers as {{answers}}
      Look inside      {{sandbox.Url}}parties  accounts  plans
      Let calls fail   {{PutJson}} '{"rate": 0.08}' {{sandbox.Url}}faults
      Change Shumway   {{PutJson}} '{"form": "declared"}' {{sandbox.Url}}ledger
    """);
await sandbox.WaitForShutdownAsync();
return 0;
