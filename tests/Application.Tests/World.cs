using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using PayoutManager.Application.Audit;
using PayoutManager.Application.CancelPayout;
using PayoutManager.Application.ConfirmPayout;
using PayoutManager.Application.CreatePayout;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Application.Tests;

/// <summary>The application as it is composed, on ports in memory and on time that stands until it is moved.</summary>
internal sealed class World
{
    private readonly IMediator _mediator;

    public World()
        : this(new InMemoryLedger())
    {
    }

    /// <param name="ledger">The ledger.</param>
    /// <param name="records">Its records; null where they cannot be read.</param>
    /// <param name="audit">How payouts are audited.</param>
    public World(ILedger ledger, ILedgerRecords? records = null, AuditOptions? audit = null)
    {
        AnyLedger = ledger;
        Store = new InMemoryStore(Clock);
        var services = new ServiceCollection();
        if (records is not null)
            services.AddSingleton(records);
        Services = services
            .AddLogging()
            .AddSingleton<TimeProvider>(Clock)
            .AddSingleton<IPayoutStore>(Store)
            .AddSingleton<IOperationStore>(Store)
            .AddSingleton<IEventOutbox>(Store)
            .AddSingleton<IPayoutHistory>(Store)
            .AddSingleton<IAuditProgress>(Store)
            .AddSingleton<IAuditFindings>(Store)
            .AddSingleton(ledger)
            .AddSingleton<IPartyManagement>(Parties)
            .AddSingleton<IEventPublisher>(Broker)
            .AddSingleton<IPublishedEvents>(Broker)
            .AddSingleton(new OperationOptions())
            .AddSingleton(new RelayOptions())
            .AddSingleton(audit ?? new AuditOptions())
            .AddPayoutApplication()
            .BuildServiceProvider();
        _mediator = Services.GetRequiredService<IMediator>();
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(1_234_567));

    public InMemoryStore Store { get; }

    public ILedger AnyLedger { get; }

    public InMemoryLedger Ledger => (InMemoryLedger)AnyLedger;

    public InMemoryParties Parties { get; } = new();

    public InMemoryBroker Broker { get; } = new();

    public ServiceProvider Services { get; }

    public OperationRecovery Recovery => Services.GetRequiredService<OperationRecovery>();

    public Task<Payout> CreateAsync(
        string? id = "p1",
        long amount = 100_000,
        string shop = "shop-1",
        string party = "party-1",
        string currency = "RUB",
        string? tool = null,
        CancellationToken token = default) =>
        _mediator.Send(new CreatePayoutCommand(party, shop, amount, currency, id, tool), token);

    public Task ConfirmAsync(string id = "p1", CancellationToken token = default) =>
        _mediator.Send(new ConfirmPayoutCommand(id), token);

    public Task CancelAsync(string id = "p1", string details = "why", CancellationToken token = default) =>
        _mediator.Send(new CancelPayoutCommand(id, details), token);

    public Task<Payout?> StoredAsync(string id = "p1") => Store.FindAsync(new PayoutId(id), CancellationToken.None);

    public Task<T> SendAsync<T>(IRequest<T> request, CancellationToken token = default) => _mediator.Send(request, token);

    /// <summary>Runs the relay on moving time for so many rounds of 100 ms, or until something is so.</summary>
    public async Task RelayAsync(int rounds, Func<bool>? isSo = null)
    {
        using var stop = new CancellationTokenSource();
        var relay = Services.GetRequiredService<EventRelay>().RunAsync(stop.Token);
        for (var round = 0; round < rounds && isSo?.Invoke() != true; round++)
        {
            await SettleAsync();
            Clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        await stop.CancelAsync();
        await PassTimeUntilAsync(relay);
    }

    /// <summary>Lets what is ready go on.</summary>
    public static async Task SettleAsync()
    {
        for (var i = 0; i < 20; i++)
            await Task.Yield();
    }

    /// <summary>Lets time pass until the work is done.</summary>
    public async Task<T> PassTimeUntilAsync<T>(Task<T> work)
    {
        while (!work.IsCompleted)
        {
            await Task.Yield();
            Clock.Advance(TimeSpan.FromMilliseconds(50));
        }

        return await work;
    }

    /// <summary>Lets time pass until the work is done.</summary>
    public Task PassTimeUntilAsync(Task work) => PassTimeUntilAsync(work.ContinueWith(
        done => done.IsFaulted ? throw done.Exception!.InnerException! : true,
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default));

    public void PassLease() => Clock.Advance(new OperationOptions().LeaseDuration);
}
