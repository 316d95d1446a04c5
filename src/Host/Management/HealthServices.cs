using Microsoft.Extensions.Diagnostics.HealthChecks;
using PayoutManager.Host.Management.Checks;
using PayoutManager.Infrastructure.Woody;

namespace PayoutManager.Host.Management;

/// <summary>
/// What is looked at, and what it means. Only without its database can a host serve no call. Everything else makes it degraded: what
/// waits for the broker is in the table, and a dependency that is down is down for every host.
/// </summary>
internal static class HealthServices
{
    public const string Database = "database";
    public const string Broker = "broker";
    public const string Relay = "relay";
    public const string PartyManagement = "partyManagement";
    public const string Shumway = "shumway";
    public const string Operations = "operations";
    public const string Background = "background";

    /// <summary>All that is looked at.</summary>
    public static readonly IReadOnlyList<string> Parts = [Database, Broker, Relay, PartyManagement, Shumway, Operations, Background];

    /// <summary>What metrics call those that are elsewhere.</summary>
    public static readonly IReadOnlyDictionary<string, string> PeerNames = new Dictionary<string, string>
    {
        [Database] = "database",
        [Broker] = "broker",
        [PartyManagement] = "party-management",
        [Shumway] = "shumway",
    };

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static IServiceCollection AddPayoutHealth(this IServiceCollection services)
    {
        services.AddHealthChecks()
            .AddCheck<DatabaseCheck>(Database, HealthStatus.Unhealthy, tags: [], Patience)
            .AddCheck<BrokerCheck>(Broker, HealthStatus.Degraded, tags: [], Patience)
            .AddCheck<RelayCheck>(Relay, HealthStatus.Degraded)
            .Add(Dependency(PartyManagement, DependencyProbe.PartyManagement))
            .Add(Dependency(Shumway, DependencyProbe.Shumway))
            .AddCheck<OperationsCheck>(Operations, HealthStatus.Degraded)
            .AddCheck<BackgroundCheck>(Background, HealthStatus.Degraded);
        return services
            .Decorate<HealthCheckService, HealthWatch>()
            .AddSingleton(provider => (HealthWatch)provider.GetRequiredService<HealthCheckService>())
            .AddHostedService(provider => provider.GetRequiredService<HealthWatch>());
    }

    private static HealthCheckRegistration Dependency(string part, string name) => new(
        part,
        provider => new DependencyCheck(provider.GetRequiredKeyedService<DependencyProbe>(name)),
        HealthStatus.Degraded,
        tags: null,
        Patience);
}
