using Microsoft.Extensions.DependencyInjection;
using PayoutManager.Application.CancelPayout;
using PayoutManager.Application.ConfirmPayout;
using PayoutManager.Application.CreatePayout;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;

namespace PayoutManager.Simulation;

/// <summary>One host with the real use cases, recovery and relay. Started anew after a crash, it is another one.</summary>
internal sealed class SimulatedHost : SimulatedProcess
{
    public SimulatedHost(World world, string name)
        : base(world, name)
    {
        var recovery = Services.GetRequiredService<OperationRecovery>();
        var relay = Services.GetRequiredService<EventRelay>();
        Actor.Start(() => recovery.RunAsync(CancellationToken.None));
        Actor.Start(() => relay.RunAsync(CancellationToken.None));
    }

    /// <summary>Serves a call, if the host still lives.</summary>
    public void Serve(Request request, TimeSpan deadline, TimeProvider clock, Action<Exception?> answer) => Actor.Start(async () =>
    {
        using var time = new CancellationTokenSource(deadline, clock);
        try
        {
            await (request switch
            {
                CreateRequest create => Mediator.Send(
                    new CreatePayoutCommand("party-1", "shop-1", create.Amount, "RUB", create.PayoutId), time.Token),
                CreateWithoutIdRequest create => Mediator.Send(
                    new CreatePayoutCommand("party-1", "shop-1", create.Amount, "RUB"), time.Token),
                ConfirmRequest => Mediator.Send(new ConfirmPayoutCommand(request.PayoutId), time.Token),
                _ => (Task)Mediator.Send(new CancelPayoutCommand(request.PayoutId, "simulated"), time.Token),
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
