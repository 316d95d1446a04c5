using Microsoft.Extensions.Logging.Abstractions;
using PayoutManager.Application.Background;
using PayoutManager.Application.CreatePayout;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;

namespace PayoutManager.Simulation;

/// <summary>One host with the real use cases, recovery and relay. Started anew after a crash, it is another one.</summary>
internal sealed class SimulatedHost
{
    private readonly CreatePayoutHandler _create;
    private readonly StatusChange _statusChange;

    public SimulatedHost(World world, string name)
    {
        Actor = new Actor(name, world.Scheduler);
        var clock = world.Scheduler.Clock;
        var ports = new HostPorts(world, new Wire(world, Actor), Actor);
        var options = new OperationOptions();
        var signal = new RelaySignal(clock);
        var moves = new PlanMoves(ports);
        var createRecovery = new CreateRecovery(moves, ports);
        var changeRecovery = new StatusChangeRecovery(ports, moves, NullLogger<StatusChangeRecovery>.Instance);
        var leases = new OperationLeases(
            ports, new OperationKinds([createRecovery, changeRecovery]), signal, clock, options, NullLogger<OperationLeases>.Instance);
        var create = new CreateOperation(moves, createRecovery, leases, ports, clock, options);
        _create = new CreatePayoutHandler(ports, ports, create, world.MakeId, clock, NullLogger<CreatePayoutHandler>.Instance);
        _statusChange = new StatusChange(ports, changeRecovery, leases, clock, options);

        // A jitter of its own: as many draws are left to the scheduler as without.
        var loops = new BackgroundLoops(clock, NullLogger<BackgroundLoops>.Instance, new Random(1));
        var recovery = new OperationRecovery(ports, leases, ports, clock, options, world.Random, loops, NullLogger<OperationRecovery>.Instance);
        var relay = new EventRelay(
            ports, ports, signal, new RelayProgress(clock), clock, new RelayOptions(), loops, NullLogger<EventRelay>.Instance);
        Actor.Start(() => recovery.RunAsync(CancellationToken.None));
        Actor.Start(() => relay.RunAsync(CancellationToken.None));
    }

    public Actor Actor { get; }

    /// <summary>Serves a call, if the host still lives.</summary>
    public void Serve(Request request, TimeSpan deadline, TimeProvider clock, Action<Exception?> answer) => Actor.Start(async () =>
    {
        using var time = new CancellationTokenSource(deadline, clock);
        try
        {
            await (request switch
            {
                CreateRequest create => _create.Handle(
                    new CreatePayoutCommand("party-1", "shop-1", create.Amount, "RUB", create.PayoutId), time.Token),
                CreateWithoutIdRequest create => _create.Handle(
                    new CreatePayoutCommand("party-1", "shop-1", create.Amount, "RUB"), time.Token),
                ConfirmRequest => _statusChange.RunAsync(request.PayoutId, new ConfirmIntent(), actor: null, time.Token),
                _ => _statusChange.RunAsync(request.PayoutId, new CancelIntent("simulated"), actor: null, time.Token),
            });
            answer(null);
        }
        catch (Exception e)
        {
            answer(e);
        }
    });
}

/// <summary>What a caller asks for.</summary>
internal abstract record Request(string PayoutId);

internal sealed record CreateRequest(string PayoutId, long Amount) : Request(PayoutId);

/// <summary>A create whose id the service makes, so that nobody can repeat it.</summary>
internal sealed record CreateWithoutIdRequest(long Amount) : Request(NoId)
{
    public const string NoId = "(none)";
}

internal sealed record ConfirmRequest(string PayoutId) : Request(PayoutId);

internal sealed record CancelRequest(string PayoutId) : Request(PayoutId);
