using System.Reflection;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Infrastructure.Storage;

namespace PayoutManager.Host.Management;

/// <summary>What operators ask: is it alive, is it ready, what is it.</summary>
internal static class ManagementEndpoints
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", () => Results.Json(new { status = "live" }));
        routes.MapGet("/health/ready", ReadyAsync);
        routes.MapGet("/info", Info);
    }

    private static async Task<IResult> ReadyAsync(
        DatabaseMigrator database,
        KafkaProbe broker,
        TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var checks = await Task.WhenAll(
            FindDatabaseFaultAsync(database, clock, cancellationToken),
            Task.Run(broker.FindFault, cancellationToken));
        var ready = checks.All(fault => fault is null);
        return Results.Json(
            new
            {
                status = ready ? "ready" : "not ready",
                database = checks[0] ?? "ok",
                broker = checks[1] ?? "ok",
            },
            statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<string?> FindDatabaseFaultAsync(
        DatabaseMigrator database,
        TimeProvider clock,
        CancellationToken cancellationToken)
    {
        try
        {
            var pending = await database.GetPendingAsync(cancellationToken).WaitAsync(Patience, clock, cancellationToken);
            return pending.Count == 0 ? null : $"not migrated: {string.Join(", ", pending)}";
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return $"out of reach: {e.GetBaseException().GetType().Name}";
        }
    }

    private static IResult Info(IHostEnvironment environment, StorageOptions storage, KafkaOptions kafka) => Results.Json(new
    {
        version = typeof(ManagementEndpoints).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
        environment = environment.EnvironmentName,
        storage = new { provider = storage.Provider.ToString() },
        kafka = new { bootstrapServers = kafka.BootstrapServers, topic = kafka.Topic },
    });
}
