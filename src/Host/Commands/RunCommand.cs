namespace PayoutManager.Host.Commands;

/// <summary>Runs the service.</summary>
internal sealed class RunCommand : Verb
{
    private readonly SettingsArgument _settings = new();

    public RunCommand()
        : base("run", "Runs the service until a signal asks it to stop. This is what happens without a command, too.")
    {
        Add(_settings);
        SetAction(async (parsed, _) => (int)await RunAsync(parsed.GetValue(_settings)!, parsed.InvocationConfiguration.Output));
    }

    public override IReadOnlyList<Exit> Exits { get; } =
    [
        new(ExitCode.Success, "told to stop, and stopped"),
        new(ExitCode.WronglyCalled, "called or configured wrongly; each fault has a line on the error output"),
        new(ExitCode.DatabaseUnusable, "the database is not in UTF8, or its sessions do not run at READ COMMITTED"),
        new(ExitCode.CannotListen, "an endpoint's address is in use, forbidden, or not one of this machine's; each has a line on the error output"),
        new(ExitCode.Failed, "ended without being told to: a part of it broke. The log says which; report it"),
    ];

    public override string Notes =>
        """
        Configuration:
          Environment variables (Shumway__Url for the key Shumway:Url), appsettings.json beside the program, and settings given here.
          README.md has all keys. These are required, except in Development, which embeds what is missing:
            ConnectionStrings:Payouts, PartyManagement:Url, Shumway:Url, Kafka:BootstrapServers
          --environment Development|Production says which of the two it is; without it DOTNET_ENVIRONMENT does, or else it is Production.
        """;

    public override string Examples =>
        """
        PayoutManager.Host --environment Development
        PayoutManager.Host run --Kestrel:Endpoints:Thrift:Url=http://*:8022 --Storage:MigrateOnStartup false
        ConnectionStrings__Payouts='Host=db;Username=payouts;Password=…;Database=payouts' \
          Kafka__BootstrapServers=kafka-1:9092,kafka-2:9092 \
          Shumway__Url=http://shumway:8022/shumpune \
          PartyManagement__Url=http://party-management:8022/v1/processing/partymgmt \
          PayoutManager.Host
        """;

    private static async Task<ExitCode> RunAsync(string[] settings, TextWriter output)
    {
        await using var host = await PayoutHost.StartAsync(settings);
        if (host.IsDevelopment)
            await output.WriteLineAsync(Welcome.To(host));
        await host.WaitForShutdownAsync();
        return host.Exit;
    }
}
