using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
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
    // Seconds without a word, and then between probes.
    private const int KeepAliveIdle = 5;
    private const int KeepAliveInterval = 2;

    // More than there are statements.
    private const int PreparedStatements = 64;

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
        .AddDependencyProbe(DependencyProbe.PartyManagement, partyManagement)
        .AddDependencyProbe(DependencyProbe.Shumway, shumway)
        .AddSingleton<IPartyManagement>(provider =>
            new PartyManagementClient(CreateClient(provider, DependencyProbe.PartyManagement, partyManagement)))
        .AddSingleton<ILedger>(provider => new ShumwayLedger(
            CreateClient(provider, DependencyProbe.Shumway, shumway), provider.GetRequiredService<TimeProvider>()));

    /// <summary>Adds a look at the ledger's own database, for the audit.</summary>
    /// <param name="services">Where to add it.</param>
    /// <param name="connectionString">Shumway's PostgreSQL, as a user that may read the schema <c>shm</c>.</param>
    public static IServiceCollection AddLedgerRecords(this IServiceCollection services, string connectionString) =>
        services.AddSingleton<ILedgerRecords>(_ => new ShumwayRecords(connectionString));

    /// <summary>Adds the stores alone.</summary>
    public static IServiceCollection AddStorage(this IServiceCollection services, StorageOptions options)
    {
        services = options.Provider == StorageProvider.Sqlite ? services.AddSqlite(options) : services.AddPostgres(options);
        return services
            .AddSingleton(options)
            .AddSingleton(new DatabaseTrouble(TimeProvider.System))
            .AddSingleton(provider => new DatabaseMigrator(
                provider.GetRequiredService<Func<PayoutDbContext>>(), provider.GetRequiredService<IRoutineStatements>()))
            .AddSingleton<IPayoutStore, PayoutStore>()
            .AddSingleton<IOperationStore, OperationStore>()
            .AddSingleton<IEventOutbox, EventOutbox>()
            .AddSingleton<IPayoutHistory, PayoutHistoryStore>()
            .AddSingleton<IRetention, RetentionStore>()
            .AddSingleton<AuditBook>()
            .AddSingleton<IAuditProgress>(provider => provider.GetRequiredService<AuditBook>())
            .AddSingleton<IAuditFindings>(provider => provider.GetRequiredService<AuditBook>())
            .AddSingleton<IBacklog>(provider => new BacklogStore(provider.GetRequiredService<IRoutineStatements>(), TimeProvider.System));
    }

    private static IServiceCollection AddSqlite(this IServiceCollection services, StorageOptions options)
    {
        Func<PayoutDbContext> open = new PooledDbContextFactory<SqlitePayoutDbContext>(
            new DbContextOptionsBuilder<SqlitePayoutDbContext>()
                .UseSqlite(options.ConnectionString, SqlitePayoutDbContext.Map)
                .Options).CreateDbContext;
        return services
            .AddSingleton(open)
            .AddSingleton(provider => new Database(open, provider.GetRequiredService<DatabaseTrouble>()))
            .AddSingleton<IPayoutStatements>(new SqliteStatements(open))
            .AddSingleton<IRoutineStatements>(new SqliteRoutine(open))
            .AddSingleton<IRetentionStatements>(new SqliteRetention(open))
            .AddSingleton<IAuditStatements>(new SqliteAudit(open));
    }

    private static IServiceCollection AddPostgres(this IServiceCollection services, StorageOptions options) => services
        .AddSingleton(_ =>
        {
            var source = new NpgsqlDataSourceBuilder(options.ConnectionString);
            Tune(source.ConnectionStringBuilder);
            Observe(source);
            return source.Build();
        })
        .AddSingleton<Func<PayoutDbContext>>(provider =>
        {
            // Made when it is first needed: a host that has nothing to migrate or recover never loads EF Core.
            var contexts = new Lazy<PooledDbContextFactory<PostgresPayoutDbContext>>(() => new(
                new DbContextOptionsBuilder<PostgresPayoutDbContext>()
                    .UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>(), PostgresPayoutDbContext.Map)
                    .Options));
            return () => contexts.Value.CreateDbContext();
        })
        .AddSingleton(provider => new StaleConnections(provider.GetRequiredService<NpgsqlDataSource>(), TimeProvider.System))
        .AddSingleton(provider => new Database(
            provider.GetRequiredService<Func<PayoutDbContext>>(),
            provider.GetRequiredService<DatabaseTrouble>(),
            provider.GetRequiredService<StaleConnections>().Drop))
        .AddSingleton<SharedTransactions>()
        .AddSingleton<IPayoutStatements, PostgresStatements>()
        .AddSingleton<IRoutineStatements, PostgresRoutine>()
        .AddSingleton<IRetentionStatements, PostgresRetention>()
        .AddSingleton<IAuditStatements, PostgresAudit>();

    /// <summary>What suits the statements that are asked again and again, unless the connection string says otherwise.</summary>
    private static void Tune(NpgsqlConnectionStringBuilder connection)
    {
        if (!connection.ShouldSerialize("Max Auto Prepare"))
        {
            connection.MaxAutoPrepare = PreparedStatements;
            connection.AutoPrepareMinUsages = 2;
        }

        // No statement leaves anything behind in a session, and what would clear it away takes as long as some of them.
        if (!connection.ShouldSerialize("No Reset On Close"))
            connection.NoResetOnClose = true;
        if (connection.Host?.Contains(',', StringComparison.Ordinal) == true)
            ChooseHost(connection);
        // Tells whether an error came before the commit of a batch.
        connection.IncludeFailedBatchedCommand = true;
        // A peer that vanishes without closing its connection is noticed on both sides.
        if (!connection.ShouldSerialize("Tcp Keepalive"))
        {
            connection.TcpKeepAlive = true;
            connection.TcpKeepAliveTime = KeepAliveIdle;
            connection.TcpKeepAliveInterval = KeepAliveInterval;
        }

        // - Statements are made for READ COMMITTED; a database or a role may have another default.
        // - Every statement finds its rows by an index. PostgreSQL prefers to read the whole of a table that holds next to nothing but has
        //   held much, such as that of operations after a rush, and is wrong from the next rush on.
        // - No statement is worth compiling, planning anew for its parameters, or starting other processes for.
        // - Nothing holds a row for long but what is stuck. A session whose host is gone gives up its locks: at once if the host's machine
        //   closed the connection, else after the keep-alive probes, an idle transaction or a statement's limit.
        // Of two values for a setting the later one counts, so that the connection string has the last word.
        connection.Options = string.Join(
            ' ',
            @"-c default_transaction_isolation=read\ committed",
            "-c enable_seqscan=off -c jit=off -c max_parallel_workers_per_gather=0 -c plan_cache_mode=force_generic_plan",
            "-c lock_timeout=1s -c statement_timeout=30s -c idle_in_transaction_session_timeout=10s",
            $"-c tcp_keepalives_idle={KeepAliveIdle} -c tcp_keepalives_interval={KeepAliveInterval} -c tcp_keepalives_count=3",
            "-c tcp_user_timeout=20s",
            connection.Options).TrimEnd();
    }

    /// <summary>Of several hosts, the one that takes writes.</summary>
    private static void ChooseHost(NpgsqlConnectionStringBuilder connection)
    {
        if (!connection.ShouldSerialize("Target Session Attributes"))
            connection.TargetSessionAttributes = "read-write";
        // How long a host is believed to be as it was last seen. After a fail-over this is how long calls fail at the most.
        if (!connection.ShouldSerialize("Host Recheck Seconds"))
            connection.HostRecheckSeconds = 1;
    }

    private static void Observe(NpgsqlDataSourceBuilder source)
    {
        // Otherwise the pool's name in metrics is the connection string.
        source.Name = "payouts";
        // What nobody asked for, such as looking for events ten times a second, would fill every trace store.
        source.ConfigureTracing(tracing => tracing
            .ConfigureCommandFilter(_ => Activity.Current is not null)
            .ConfigureBatchFilter(_ => Activity.Current is not null)
            .EnablePhysicalOpenTracing(enable: false));
    }

    private static IServiceCollection AddDependencyProbe(this IServiceCollection services, string name, DependencyOptions options) =>
        services.AddKeyedSingleton(name, (provider, _) => new DependencyProbe(options, provider.GetRequiredService<TimeProvider>()));

    /// <summary>Its connections live as long as the process.</summary>
    private static DependencyClient CreateClient(IServiceProvider provider, string name, DependencyOptions options)
    {
        var clock = provider.GetRequiredService<TimeProvider>();
        return new DependencyClient(
            name,
            new WoodyClient(DependencyHttp.Create(options), options.Url, options.Timeout, clock, name),
            provider.GetRequiredKeyedService<DependencyProbe>(name),
            clock,
            provider.GetRequiredService<ILoggerFactory>().CreateLogger($"PayoutManager.Infrastructure.{name}"));
    }
}
