using PayoutManager.Sandbox;

var url = args.Length > 0 ? args[0] : "http://localhost:8024";
await using var sandbox = await SandboxServer.StartAsync(url, builder => builder.Host.UseConsoleLifetime());
Console.WriteLine($"""
    The sandbox is up; it forgets everything when it stops.
      PartyManagement  {sandbox.PartyManagementUrl}
      Shumway          {sandbox.ShumwayUrl}
      Look inside      {sandbox.Url}parties  accounts  plans
    """);
await sandbox.WaitForShutdownAsync();
