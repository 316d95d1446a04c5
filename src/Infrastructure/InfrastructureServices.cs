using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PayoutManager.Application.Ports;
using PayoutManager.Infrastructure.Kafka;
using PayoutManager.Infrastructure.PartyManagement;
using PayoutManager.Infrastructure.Shumway;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Infrastructure.Storage.Postgres;
using PayoutManager.Infrastructure.Storage.Sqlite;
using PayoutManager.Infrastructure.Woody;
using PayoutManager.Woody;

namespace PayoutManager.Infrastructure;

/// <summary>Composes the infrastructure layer.</summary>
public static class InfrastructureServices
{
    /// <summary>Adds the adapters behind all ports. Needs a <see cref="TimeProvider"/> from elsewhere.</summary>
    public static IServiceCollection AddPayoutInfrastructure(
        this IServiceCollection services,
        StorageOptions storage,
        KafkaOptions kafka,
        DependencyOptions partyManagement,
        DependencyOptions shumway) => services
        .AddStorage(storage)
        .AddSingleton(kafka)
        .AddSingleton<IEventPublisher, KafkaEventPublisher>()
        .AddSingleton<IPublishedEvents, KafkaTopicReader>()
        .AddSingleton<KafkaProbe>()
        .AddSingleton(_ => new HttpClient(WoodyClient.CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan })
        .AddSingleton<IPartyManagement>(provider =>
            new PartyManagementClient(CreateClient(provider, "PartyManagement", partyManagement)))
        .AddSingleton<ILedger>(provider => new ShumwayLedger(
            CreateClient(provider, "Shumway", shumway), provider.GetRequiredService<TimeProvider>()));

    /// <summary>Adds the stores alone.</summary>
    public static IServiceCollection AddStorage(this IServiceCollection services, StorageOptions options)
    {
        var open = CreateFactory(options);
        return services
            .AddSingleton(options)
            .AddSingleton(new Database(open))
            .AddSingleton(new DatabaseMigrator(open))
            .AddSingleton<IPayoutStore, PayoutStore>()
            .AddSingleton<IOperationStore, OperationStore>()
            .AddSingleton<IEventOutbox, EventOutbox>()
            .AddSingleton<IPayoutHistory, PayoutHistoryStore>();
    }

    private static Func<PayoutDbContext> CreateFactory(StorageOptions options)
    {
        if (options.Provider == StorageProvider.Sqlite)
        {
            return new PooledDbContextFactory<SqlitePayoutDbContext>(
                new DbContextOptionsBuilder<SqlitePayoutDbContext>()
                    .UseSqlite(options.ConnectionString, SqlitePayoutDbContext.Map)
                    .AddInterceptors(options.Interceptors)
                    .Options).CreateDbContext;
        }

        return new PooledDbContextFactory<PostgresPayoutDbContext>(
            new DbContextOptionsBuilder<PostgresPayoutDbContext>()
                .UseNpgsql(options.ConnectionString, PostgresPayoutDbContext.Map)
                .AddInterceptors(options.Interceptors)
                .Options).CreateDbContext;
    }

    private static DependencyClient CreateClient(IServiceProvider provider, string name, DependencyOptions options)
    {
        var clock = provider.GetRequiredService<TimeProvider>();
        return new DependencyClient(
            name,
            new WoodyClient(provider.GetRequiredService<HttpClient>(), options.Url, options.Timeout, clock),
            clock,
            provider.GetRequiredService<ILoggerFactory>().CreateLogger($"PayoutManager.Infrastructure.{name}"));
    }
}
