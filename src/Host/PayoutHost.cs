using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PayoutManager.Application;
using PayoutManager.Host.Commands;
using PayoutManager.Host.Configuration;
using PayoutManager.Host.Embedded;
using PayoutManager.Host.Faults;
using PayoutManager.Host.Hosting;
using PayoutManager.Host.Management;
using PayoutManager.Host.Security;
using PayoutManager.Host.Telemetry;
using PayoutManager.Host.Thrift;
using PayoutManager.Infrastructure;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Sandbox;
using PayoutManager.Woody.Server;

namespace PayoutManager.Host;

/// <summary>The service, wired and running.</summary>
internal sealed class PayoutHost : IAsyncDisposable
{
    private const int MaxUnread = 16 << 10;

    private readonly WebApplication _app;
    private readonly EmbeddedPeers _peers;
    private readonly Endpoints _endpoints;
    private bool _hasStopped;

    private PayoutHost(WebApplication app, EmbeddedPeers peers, Endpoints endpoints)
    {
        _app = app;
        _peers = peers;
        _endpoints = endpoints;
    }

    /// <summary>Where PayoutManagement is served.</summary>
    public Uri ThriftUrl => new(_endpoints.UrlOf(HostSettings.ThriftEndpoint), PayoutManagementService.Path);

    /// <summary>Where operators ask.</summary>
    public Uri ManagementUrl => _endpoints.UrlOf(HostSettings.ManagementEndpoint);

    public KafkaOptions Kafka => _peers.Kafka;

    /// <summary>The sandbox; null where PartyManagement and Shumway are elsewhere.</summary>
    public SandboxServer? Sandbox => _peers.Sandbox;

    public bool IsDevelopment => _app.Environment.IsDevelopment();

    /// <summary>How the host has ended, once it has.</summary>
    public ExitCode Exit => _app.Services.GetRequiredService<HostEnd>().Exit;

    /// <summary>Reads the configuration, starts what is embedded, and serves.</summary>
    /// <param name="args">Command-line configuration.</param>
    /// <param name="environment">The environment's name; null for what the process was told.</param>
    /// <param name="configure">Changes to the configuration before it is read.</param>
    /// <param name="cancellationToken">Gives up starting.</param>
    /// <exception cref="InvalidConfigurationException">The configuration cannot be used.</exception>
    /// <exception cref="CannotListenException">An endpoint's address cannot be listened at.</exception>
    public static async Task<PayoutHost> StartAsync(
        string[] args,
        string? environment = null,
        Action<WebApplicationBuilder>? configure = null,
        CancellationToken cancellationToken = default)
    {
        var builder = HostSettings.FromFiles(() => WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            EnvironmentName = environment,
            // Not the working directory: the host may be started from anywhere.
            ContentRootPath = AppContext.BaseDirectory,
        }));
        builder.AddPayoutLog();
        configure?.Invoke(builder);

        var settings = HostSettings.Read(builder.Configuration, builder.Environment);
        var urls = HostSettings.EndpointUrls(builder.Configuration).ToList();
        CannotListenException.ThrowIfTaken(urls);
        var endpoints = Listen(builder, settings);
        var peers = await EmbeddedPeers.StartAsync(settings, cancellationToken);
        PayoutHost? host = null;
        try
        {
            AddServices(builder.Services, settings, peers);
            builder.Services.AddSingleton(endpoints).AddHostedService<Draining>().AddPayoutTelemetry(builder.Configuration);
            host = new PayoutHost(builder.Build(), peers, endpoints);
            Route(host._app, settings);
            host.TellWhatStarts();
            await host._app.StartAsync(cancellationToken);
            return host;
        }
        catch (Exception e)
        {
            // Also what had started, such as the relay, which gives back its lanes.
            await (host?.DisposeAsync() ?? peers.DisposeAsync());
            if (e is IOException or SocketException)
                throw CannotListenException.Of(e, urls);
            throw;
        }
    }

    public async Task WaitForShutdownAsync()
    {
        await _app.WaitForShutdownAsync();
        _hasStopped = true;
    }

    public async ValueTask DisposeAsync()
    {
        // Once is enough: each time it waits for load balancers to notice.
        if (!_hasStopped)
            await _app.StopAsync();
        await _app.DisposeAsync();
        await _peers.DisposeAsync();
    }

    private static Endpoints Listen(WebApplicationBuilder builder, HostSettings settings)
    {
        var endpoints = new Endpoints(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // What a connection can make this host keep before anything of it is understood.
            kestrel.Limits.MaxRequestBufferSize = MaxUnread;
            kestrel.Limits.MaxRequestHeadersTotalSize = MaxUnread;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Configure(builder.Configuration.GetSection("Kestrel"))
                .Endpoint(HostSettings.ThriftEndpoint, endpoint =>
                {
                    Remember(HostSettings.ThriftEndpoint, endpoint.ListenOptions);
                    Listener.Limit(endpoint.ListenOptions, settings.MaxConnections);
                    // Woody's peers speak nothing else, and one connection then is one call at a time.
                    endpoint.ListenOptions.Protocols = HttpProtocols.Http1;
                    if (settings.ClientAuthority is { } authority)
                        ClientCertificates.Require(endpoint.HttpsOptions, authority);
                })
                .Endpoint(HostSettings.ManagementEndpoint, endpoint =>
                    Remember(HostSettings.ManagementEndpoint, endpoint.ListenOptions));
        });
        return endpoints;

        void Remember(string name, ListenOptions options)
        {
            Listener.Mark(options, name);
            endpoints.Add(name, options);
        }
    }

    /// <summary>Everything behind the endpoints.</summary>
    public static void AddServices(IServiceCollection services, HostSettings settings, EmbeddedPeers peers)
    {
        var faultPoints = settings.KillAt is { } step ? new FaultPoints(step) : null;
        if (settings.LedgerDatabase is { } ledgerDatabase)
            services.AddLedgerRecords(ledgerDatabase);
        services
            .AddSingleton(TimeProvider.System)
            .AddSingleton(settings.Operations)
            .AddSingleton(settings.Relay)
            .AddSingleton(settings.Audit)
            .AddSingleton(settings.Retention)
            .AddPayoutApplication()
            .AddPayoutInfrastructure(peers.Storage, peers.Kafka, peers.PartyManagement, peers.Shumway)
            .AddFaultPoints(faultPoints)
            .AddSingleton<PayoutManagementService>()
            .AddSingleton(new CallGate(settings.MaxConcurrentCalls, settings.MaxBodyBytesInFlight))
            .AddSingleton(new CallerPolicy(settings.Callers))
            .AddSingleton<HostEnd>()
            .AddSingleton<IHostLifetime, SignalLifetime>()
            .AddSingleton(settings.Shutdown)
            .Configure<HostOptions>(host => host.ShutdownTimeout = settings.Shutdown.Total)
            .AddHostedService<MigrationWorker>()
            .AddPayoutHealth()
            .AddHostedService<RelayWorker>()
            .AddHostedService<RecoveryWorker>()
            .AddHostedService<AuditWorker>()
            .AddHostedService<BacklogWorker>()
            .AddHostedService<RetentionWorker>()
            .AddHostedService<NativeHeapWorker>();
    }

    private static void Route(WebApplication app, HostSettings settings)
    {
        var policy = app.Services.GetRequiredService<CallerPolicy>();
        app.MapWhen(
            http => Listener.Took(http, HostSettings.ThriftEndpoint),
            branch => branch.RunWoody(
                app.Services.GetRequiredService<PayoutManagementService>().Create(),
                new WoodyEndpointOptions
                {
                    Path = PayoutManagementService.Path,
                    Service = PayoutManagementService.Name,
                    Gate = app.Services.GetRequiredService<CallGate>(),
                    Refuse = (http, method) => policy.Refuse(http.Connection.ClientCertificate, method),
                    MaxBodySize = settings.MaxBodySize,
                    DefaultDeadline = settings.DefaultDeadline,
                    Sort = ErrorSorting.Sort,
                }));
        app.MapWhen(
            http => Listener.Took(http, HostSettings.ManagementEndpoint),
            branch => branch.Use(ManagementEndpoints.NotTraced).UseRouting().UseEndpoints(ManagementEndpoints.Map));
    }

    private void TellWhatStarts()
    {
        var logger = _app.Services.GetRequiredService<ILogger<PayoutHost>>();
        HostLog.Starts(logger, ProductVersion.Text, _app.Environment.EnvironmentName, Environment.ProcessId);
        HostLog.Uses(
            logger, _peers.Storage.InWords(), Kafka.Topic, Kafka.BootstrapServers, _peers.PartyManagement.Url, _peers.Shumway.Url);
    }
}
