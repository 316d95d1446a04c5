using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PayoutManager.Application;
using PayoutManager.Application.Audit;
using PayoutManager.Application.CreatePayout;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;

namespace PayoutManager.Simulation;

/// <summary>A process of ours: the application as it is composed, on ports that lead into the world. Does nothing by itself.</summary>
internal class SimulatedProcess : IDisposable
{
    // Looking through the assembly takes longer than a run.
    private static readonly ServiceDescriptor[] Application = [.. new ServiceCollection().AddPayoutApplication()];

    /// <param name="world">The world.</param>
    /// <param name="name">The process's name in the trace.</param>
    /// <param name="readsLedgerRecords">Whether it may read the ledger's database.</param>
    public SimulatedProcess(World world, string name, bool readsLedgerRecords = false)
    {
        Actor = new Actor(name, world.Scheduler);
        world.Processes.Add(this);
        var wire = new Wire(world, Actor);
        var ports = new HostPorts(world, wire, Actor);
        var audit = new AuditPorts(world, wire);
        IServiceCollection services = new ServiceCollection();
        foreach (var descriptor in Application)
            services.Add(descriptor);
        if (readsLedgerRecords)
            services.AddSingleton<ILedgerRecords>(audit);
        Services = services
            .AddSingleton(typeof(ILogger<>), typeof(NullLogger<>))
            .AddSingleton<TimeProvider>(world.Scheduler.Clock)
            .AddSingleton(world.Random)
            .AddSingleton<NewPayoutId>(world.MakeId)
            .AddSingleton<IPayoutStore>(ports)
            .AddSingleton<IOperationStore>(ports)
            .AddSingleton<IEventOutbox>(ports)
            .AddSingleton<ILedger>(ports)
            .AddSingleton<IPartyManagement>(ports)
            .AddSingleton<IEventPublisher>(ports)
            .AddSingleton<IPayoutHistory>(audit)
            .AddSingleton<IPublishedEvents>(audit)
            .AddSingleton<IAuditFindings>(audit)
            .AddSingleton<IAuditProgress>(audit)
            .AddSingleton(new OperationOptions())
            .AddSingleton(new RelayOptions())
            .AddSingleton(new AuditOptions())
            .BuildServiceProvider();
        Mediator = Services.GetRequiredService<IMediator>();
    }

    public Actor Actor { get; }

    protected ServiceProvider Services { get; }

    protected IMediator Mediator { get; }

    public void Dispose() => Services.Dispose();
}
