using PayoutManager.Host.Configuration;
using PayoutManager.Infrastructure;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Sandbox;
using PayoutManager.Sandbox.Broker;

namespace PayoutManager.Host.Embedded;

/// <summary>
/// The peers of this host: those that are configured and, in Development, embedded ones in place of the others. What is
/// embedded forgets everything when the host stops, the database with it, so that the two never disagree.
/// </summary>
internal sealed class EmbeddedPeers : IAsyncDisposable
{
    private readonly HostSettings _settings;
    private EmbeddedBroker? _broker;
    private string? _databaseFile;

    private EmbeddedPeers(HostSettings settings) => _settings = settings;

    /// <summary>The sandbox, where one was started.</summary>
    public SandboxServer? Sandbox { get; private set; }

    public StorageOptions Storage => new()
    {
        Provider = _settings.StorageProvider,
        ConnectionString = _settings.ConnectionString ?? $"Data Source={_databaseFile}",
        MigrateOnStartup = _settings.MigrateOnStartup,
    };

    public KafkaOptions Kafka => new()
    {
        BootstrapServers = _settings.BootstrapServers ?? _broker!.BootstrapServers,
        Topic = _settings.Topic,
        Properties = _settings.KafkaProperties,
    };

    public DependencyOptions PartyManagement =>
        _settings.PartyManagement ?? new DependencyOptions { Url = Sandbox!.PartyManagementUrl };

    public DependencyOptions Shumway => _settings.Shumway ?? new DependencyOptions { Url = Sandbox!.ShumwayUrl };

    /// <summary>No embedded peers, where all are configured.</summary>
    public static EmbeddedPeers None(HostSettings settings) => settings.HasEmbedded
        ? throw new ArgumentException("Something is not configured.", nameof(settings))
        : new EmbeddedPeers(settings);

    /// <summary>Starts what is not configured. The settings have made sure that this is Development.</summary>
    public static async Task<EmbeddedPeers> StartAsync(HostSettings settings, CancellationToken cancellationToken)
    {
        var peers = new EmbeddedPeers(settings);
        try
        {
            if (settings.PartyManagement is null || settings.Shumway is null)
                peers.Sandbox = await SandboxServer.StartAsync("http://127.0.0.1:0", cancellationToken: cancellationToken);
            if (settings.BootstrapServers is null)
                peers._broker = new EmbeddedBroker(settings.Topic);
            if (settings.ConnectionString is null)
                peers._databaseFile = Path.Combine(Directory.CreateTempSubdirectory("payouts-").FullName, "payouts.db");
            return peers;
        }
        catch
        {
            await peers.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Sandbox is not null)
            await Sandbox.DisposeAsync();
        _broker?.Dispose();
        if (_databaseFile is not null)
            Directory.Delete(Path.GetDirectoryName(_databaseFile)!, recursive: true);
    }
}
