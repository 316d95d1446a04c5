using System.Data.Common;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Data.Sqlite;
using Npgsql;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Retention;
using PayoutManager.Host.Faults;
using PayoutManager.Host.Hosting;
using PayoutManager.Host.Security;
using PayoutManager.Infrastructure;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Infrastructure.Storage;

namespace PayoutManager.Host.Configuration;

/// <summary>All that can be configured. What is null here has an embedded default, in Development only.</summary>
internal sealed record HostSettings
{
    public const string ThriftEndpoint = "Thrift";
    public const string ManagementEndpoint = "Management";

    private const string PayoutsDatabase = "ConnectionStrings:Payouts";

    public required StorageProvider StorageProvider { get; init; }

    public required string? ConnectionString { get; init; }

    public required bool MigrateOnStartup { get; init; }

    public required DependencyOptions? PartyManagement { get; init; }

    public required DependencyOptions? Shumway { get; init; }

    public required string? BootstrapServers { get; init; }

    public required string Topic { get; init; }

    public required IReadOnlyDictionary<string, string> KafkaProperties { get; init; }

    public required TimeSpan DefaultDeadline { get; init; }

    public required int MaxBodySize { get; init; }

    /// <summary>How many connections callers may have open.</summary>
    public required int MaxConnections { get; init; }

    public required int MaxConcurrentCalls { get; init; }

    public required int MaxBodyBytesInFlight { get; init; }

    /// <summary>Who vouches for callers' certificates; null where none are asked for.</summary>
    public required X509Certificate2Collection? ClientAuthority { get; init; }

    /// <summary>Who may call what; empty where everybody may call everything.</summary>
    public required IReadOnlyList<Caller> Callers { get; init; }

    public required ShutdownOptions Shutdown { get; init; }

    public required OperationOptions Operations { get; init; }

    public required RelayOptions Relay { get; init; }

    public required AuditOptions Audit { get; init; }

    public required RetentionOptions Retention { get; init; }

    /// <summary>The ledger's own database, which the audit reads; null where it asks the ledger by calls.</summary>
    public required string? LedgerDatabase { get; init; }

    /// <summary>Where this host is to die, in Development only; null for nowhere.</summary>
    public required string? KillAt { get; init; }

    /// <summary>Whether something is left to be embedded.</summary>
    public bool HasEmbedded =>
        ConnectionString is null || PartyManagement is null || Shumway is null || BootstrapServers is null;

    /// <summary>The key of an endpoint's address.</summary>
    public static string UrlKeyOf(string endpoint) => $"Kestrel:Endpoints:{endpoint}:Url";

    /// <summary>The endpoints' addresses, by their keys.</summary>
    public static IEnumerable<(string Key, string Url)> EndpointUrls(IConfiguration configuration) =>
        from endpoint in (string[])[ThriftEndpoint, ManagementEndpoint]
        let key = UrlKeyOf(endpoint)
        select (key, configuration[key]!);

    /// <summary>Makes something of configuration that is partly in files.</summary>
    /// <exception cref="InvalidConfigurationException">A file cannot be read.</exception>
    public static T FromFiles<T>(Func<T> make)
    {
        try
        {
            return make();
        }
        // Its name, and what is wrong in which line of it.
        catch (InvalidDataException e)
        {
            throw new InvalidConfigurationException([Explanation.Of(e)]);
        }
    }

    /// <summary>What a command that starts no service is configured with: files, environment variables, and what outweighs both.</summary>
    public static HostApplicationBuilder CreateBuilder(string[] settings) =>
        FromFiles(() => Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder(new HostApplicationBuilderSettings
        {
            Args = settings,
            ContentRootPath = AppContext.BaseDirectory,
        }));

    /// <summary>Reads and checks everything.</summary>
    /// <exception cref="InvalidConfigurationException">Something is wrong; it names every bad key.</exception>
    public static HostSettings Read(IConfiguration configuration, IHostEnvironment environment)
    {
        var read = new SettingsReader(configuration);
        // Only Development has embedded defaults; anywhere else a missing key must not go unnoticed.
        var required = !environment.IsDevelopment();

        var (provider, connectionString) = StorageOf(read, environment);
        var lease = read.Duration("Recovery:LeaseDuration", TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        var settings = new HostSettings
        {
            StorageProvider = provider,
            ConnectionString = connectionString,
            MigrateOnStartup = MigrateOnStartupOf(read),
            PartyManagement = Dependency(read, "PartyManagement", required),
            Shumway = Dependency(read, "Shumway", required),
            BootstrapServers = BootstrapServersOf(read, required),
            Topic = TopicOf(read),
            KafkaProperties = read.Pairs("Kafka:Properties"),
            DefaultDeadline = read.Duration(
                "Thrift:DefaultDeadline", TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)),
            MaxBodySize = read.Number("Thrift:MaxBodySize", 1 << 20, least: 1 << 10, most: 1 << 26),
            MaxConnections = read.Number("Thrift:MaxConnections", 1000, least: 1, most: 100_000),
            MaxConcurrentCalls = read.Number("Thrift:MaxConcurrentCalls", 512, least: 1, most: 100_000),
            MaxBodyBytesInFlight = read.Number("Thrift:MaxBodyBytesInFlight", 4 << 20, least: 1 << 16, most: 1 << 30),
            ClientAuthority = read.Certificates("Thrift:ClientAuthority"),
            Callers = CallerSettings.Read(read),
            Shutdown = new ShutdownOptions
            {
                Delay = read.Duration("Shutdown:Delay", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromMinutes(5)),
                Drain = read.Duration("Shutdown:Drain", TimeSpan.FromSeconds(15), TimeSpan.Zero, TimeSpan.FromMinutes(10)),
            },
            Operations = new OperationOptions
            {
                LeaseDuration = lease,
                ScanInterval = read.Duration(
                    "Recovery:ScanInterval", TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5)),
            },
            Relay = new RelayOptions { LeaseDuration = lease },
            Audit = new AuditOptions
            {
                Interval = read.Duration("Audit:Interval", TimeSpan.FromMinutes(10), TimeSpan.Zero, TimeSpan.FromDays(7)),
                PerSecond = read.Number("Audit:PerSecond", 100, least: 1, most: 10_000),
            },
            Retention = new RetentionOptions
            {
                SpentAttempts = PeriodOf(read, "Retention:SpentAttempts", TimeSpan.FromDays(30)),
                Events = PeriodOf(read, "Retention:Events", TimeSpan.Zero),
            },
            LedgerDatabase = ConnectionStringOf(read, "Audit:LedgerDatabase", StorageProvider.Postgres, required: false),
            KillAt = KillAtOf(read, environment),
        };
        CheckEndpoints(read, settings, environment.ContentRootPath);
        CheckKafka(read, settings);
        LogSettings.Check(read);
        CollectorSettings.Check(read);
        read.RejectUnknown(SettingKeys.Sections);
        return read.Errors.Count == 0 ? settings : throw new InvalidConfigurationException(read.Errors);
    }

    /// <summary>Reads and checks what a command needs that uses the database and nothing else.</summary>
    /// <exception cref="InvalidConfigurationException">Something is wrong, or no database is configured.</exception>
    public static StorageOptions ReadStorage(IConfiguration configuration, IHostEnvironment environment)
    {
        var read = new SettingsReader(configuration);
        var (provider, connectionString) = StorageOf(read, environment);
        if (connectionString is null && read.Errors.Count == 0)
            read.Reject(PayoutsDatabase, "is required; a database that is embedded is seen by its host alone");
        MigrateOnStartupOf(read);
        read.RejectUnknown("Storage", "ConnectionStrings");
        return read.Errors.Count == 0
            ? new StorageOptions { Provider = provider, ConnectionString = connectionString! }
            : throw new InvalidConfigurationException(read.Errors);
    }

    private static (StorageProvider Provider, string? ConnectionString) StorageOf(SettingsReader read, IHostEnvironment environment)
    {
        var required = !environment.IsDevelopment();
        var provider = read.Choice("Storage:Provider", required ? StorageProvider.Postgres : StorageProvider.Sqlite);
        if (required && provider == StorageProvider.Sqlite)
            read.Reject("Storage:Provider", "Sqlite is for Development only");
        return (provider, ConnectionStringOf(read, PayoutsDatabase, provider, required || provider == StorageProvider.Postgres));
    }

    private static bool MigrateOnStartupOf(SettingsReader read) => read.Flag("Storage:MigrateOnStartup", byDefault: true);

    /// <summary>How long something is kept: zero is for ever.</summary>
    private static TimeSpan PeriodOf(SettingsReader read, string key, TimeSpan byDefault)
    {
        var period = read.Duration(key, byDefault, TimeSpan.Zero, TimeSpan.FromDays(36_500));
        if (period > TimeSpan.Zero && period < RetentionOptions.ShortestPeriod)
            read.Reject(key, $"must be 00:00:00 for ever, or at least {RetentionOptions.ShortestPeriod:c}, is '{period:c}'");
        return period;
    }

    private static DependencyOptions? Dependency(SettingsReader read, string section, bool required)
    {
        var timeout = read.Duration(
            $"{section}:Timeout", TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
        var authority = read.Certificates($"{section}:Authority");
        var certificate = read.CertificateWithKey($"{section}:ClientCertificate", $"{section}:ClientKey");
        return read.Url($"{section}:Url", required) is { } url
            ? new DependencyOptions { Url = url, Timeout = timeout, Authority = authority, ClientCertificate = certificate }
            : null;
    }

    private static string? ConnectionStringOf(SettingsReader read, string key, StorageProvider provider, bool required)
    {
        if (read.Text(key, required) is not { } text)
            return null;
        try
        {
            _ = provider == StorageProvider.Postgres
                ? (DbConnectionStringBuilder)new NpgsqlConnectionStringBuilder(text)
                : new SqliteConnectionStringBuilder(text);
            return text;
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            // The message names the part that is wrong; the text itself may hold a password.
            read.Reject(key, $"is not a connection string of {provider}: {e.Message}");
            return null;
        }
    }

    private static string? BootstrapServersOf(SettingsReader read, bool required)
    {
        const string key = "Kafka:BootstrapServers";
        if (read.Text(key, required) is not { } text)
            return null;
        // librdkafka takes anything, and says of some of it in its log that it is no address.
        if (!text.Split(',', StringSplitOptions.TrimEntries).All(IsHostAndPort))
            read.Reject(key, $"must be addresses host:port, separated by commas, is '{text}'");
        return text;
    }

    private static bool IsHostAndPort(string address) =>
        Uri.TryCreate($"kafka://{address}", UriKind.Absolute, out var uri)
        && uri is { Port: > 0, AbsolutePath: "/" or "", UserInfo: "", Query: "", Fragment: "" }
        && uri.HostNameType != UriHostNameType.Basic
        && uri.Host.Length > 0;

    private static string TopicOf(SettingsReader read)
    {
        var topic = read.Text("Kafka:Topic") ?? KafkaOptions.DefaultTopic;
        if (topic.Length > 249 || topic is "." or ".." || !topic.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'))
            read.Reject("Kafka:Topic", $"must be 1 to 249 characters a–z, A–Z, 0–9, '.', '_' or '-', is '{topic}'");
        return topic;
    }

    private static string? KillAtOf(SettingsReader read, IHostEnvironment environment)
    {
        const string key = "Faults:KillAt";
        var step = read.Text(key);
        if (step is not null && !environment.IsDevelopment())
            read.Reject(key, "is for Development only");
        else if (step is not null && !FaultPoints.Steps.Contains(step))
            read.Reject(key, $"must be one of {string.Join(", ", FaultPoints.Steps)}, is '{step}'");
        return step;
    }

    private static void CheckEndpoints(SettingsReader read, HostSettings settings, string contentRoot)
    {
        var addresses = new EndpointSettings(read, contentRoot).Read(ThriftEndpoint, ManagementEndpoint);
        if (settings.ClientAuthority is not null && addresses[ThriftEndpoint]?.Scheme == Uri.UriSchemeHttp)
            read.Reject("Thrift:ClientAuthority", $"needs an https address in {UrlKeyOf(ThriftEndpoint)}");
        if (addresses.Values.All(a => a is { Port: > 0 }) && addresses.Values.Select(a => a!.Port).Distinct().Count() == 1)
            read.Reject(UrlKeyOf(ManagementEndpoint), "must have a port of its own");
    }

    private static void CheckKafka(SettingsReader read, HostSettings settings)
    {
        var faults = KafkaProducerConfig.Check(settings.KafkaProperties).ToList();
        foreach (var (property, fault) in faults)
            read.Reject($"Kafka:Properties:{property}", fault);
        if (faults.Count > 0 || settings.KafkaProperties.Count == 0)
            return;
        var options = new KafkaOptions
        {
            BootstrapServers = settings.BootstrapServers ?? "localhost",
            Properties = settings.KafkaProperties,
        };
        if (KafkaProducerConfig.Try(options) is var (named, refusal))
            read.Reject(named is null ? "Kafka:Properties" : $"Kafka:Properties:{named}", refusal);
    }
}

/// <summary>The configuration cannot be used.</summary>
/// <param name="errors">Everything that is wrong, each naming its key.</param>
internal sealed class InvalidConfigurationException(IReadOnlyList<string> errors)
    : Exception("The configuration cannot be used:" + string.Concat(errors.Select(error => $"\n  {error}")));
