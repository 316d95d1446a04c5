using MediatR;
using Microsoft.Extensions.DependencyInjection;
using PayoutManager.Application;
using PayoutManager.Application.Audit;
using PayoutManager.Application.CancelPayout;
using PayoutManager.Application.ConfirmPayout;
using PayoutManager.Application.CreatePayout;
using PayoutManager.Application.Events;
using PayoutManager.Application.GetPayout;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>The use cases as they are composed, on a real database and on a ledger in memory.</summary>
internal sealed class StorageHost : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly IMediator _mediator;

    /// <param name="connectionString">A PostgreSQL database that is migrated.</param>
    /// <param name="ledger">The ledger; hosts may share it.</param>
    /// <param name="decorate">Stands before the store's statements.</param>
    /// <param name="options">How operations are leased.</param>
    public StorageHost(
        string connectionString,
        ILedger ledger,
        Func<IPayoutStatements, IPayoutStatements>? decorate = null,
        OperationOptions? options = null)
    {
        var parties = new InMemoryParties();
        var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(TimeProvider.System)
            .AddStorage(new StorageOptions { ConnectionString = connectionString })
            .AddSingleton(ledger)
            .AddSingleton<IPartyManagement>(parties)
            .AddSingleton<IEventPublisher>(_ => throw new NotSupportedException())
            .AddSingleton<IPublishedEvents>(_ => throw new NotSupportedException())
            .AddSingleton(options ?? new OperationOptions())
            .AddSingleton(new RelayOptions())
            .AddSingleton(new AuditOptions())
            .AddPayoutApplication();
        if (decorate is not null)
            services.Decorate<IPayoutStatements>(decorate);
        _services = services.BuildServiceProvider();
        _mediator = _services.GetRequiredService<IMediator>();
    }

    public IServiceProvider Services => _services;

    public IPayoutStore Payouts => _services.GetRequiredService<IPayoutStore>();

    public IOperationStore Operations => _services.GetRequiredService<IOperationStore>();

    /// <summary>Makes the tables, by sessions as they are without settings of the test's own.</summary>
    public static async Task MigrateAsync(string connectionString)
    {
        await using var services = new ServiceCollection()
            .AddStorage(new StorageOptions { ConnectionString = connectionString })
            .BuildServiceProvider();
        await services.GetRequiredService<DatabaseMigrator>().MigrateAsync(CancellationToken.None);
    }

    public Task<Payout> CreateAsync(string id, long amount = 100_000) =>
        _mediator.Send(new CreatePayoutCommand("party-1", "shop-1", amount, "RUB", id));

    public Task ConfirmAsync(string id) => _mediator.Send(new ConfirmPayoutCommand(id));

    public Task CancelAsync(string id) => _mediator.Send(new CancelPayoutCommand(id, "why"));

    public Task<Payout> GetAsync(string id) => _mediator.Send(new GetPayoutQuery(id));

    /// <summary>Takes over and finishes what can be found now.</summary>
    public Task<int> RecoverAsync() => _services.GetRequiredService<OperationRecovery>().ScanAsync(CancellationToken.None);

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
