using PayoutManager.Host;
using PayoutManager.Host.Audit;
using PayoutManager.Host.Configuration;
using PayoutManager.Host.Demo;
using PayoutManager.Host.Hosting;
using PayoutManager.Infrastructure.Storage;

const int badConfiguration = 2;

NativeHeap.Share();
try
{
    if (args is ["demo"])
        return await DemoStory.RunAsync();
    if (args is ["audit", .. var arguments])
        return await new AuditCommand(Console.Out, Console.Error).RunAsync(arguments);

    await using var host = await PayoutHost.StartAsync(args);
    if (host.IsDevelopment)
        Console.WriteLine(Welcome.To(host));
    await host.WaitForShutdownAsync();
    return (int)host.Exit;
}
catch (InvalidConfigurationException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return badConfiguration;
}
catch (UnusableDatabaseException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return (int)HostExit.UnusableDatabase;
}
