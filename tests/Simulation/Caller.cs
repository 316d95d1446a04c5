using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Simulation;

/// <summary>What a caller was told of a call.</summary>
internal enum Told
{
    Success,
    Refused,
    NotDone,
    Unknown,
}

/// <summary>A caller: asks one host after another for what it wants, and remembers what it was told.</summary>
internal sealed class Caller(World world, string name, Func<SimulatedHost> anyHost, List<(Request Request, Told Told)> memory)
{
    private readonly Actor _actor = new(name, world.Scheduler);

    public bool IsDone { get; private set; }

    public void Start(IReadOnlyList<string> payoutIds, int calls) => _actor.Start(async () =>
    {
        Request? repeat = null;
        for (var call = 0; call < calls; call++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(world.Random.Next(world.AreCallersHasty ? 300 : 3_000)), world.Scheduler.Clock);
            var request = repeat ?? Draw(Pick(payoutIds));
            var told = await AskAsync(request, TimeSpan.FromMilliseconds(world.Random.Next(500, 20_000)));
            world.Note(name, $"{request}: {told}");
            memory.Add((request, told));
            repeat = told is Told.NotDone or Told.Unknown && world.Random.Next(3) > 0 ? request : null;
        }

        IsDone = true;
    });

    /// <summary>Asks for these, one right after the other, with time for each to be finished.</summary>
    /// <param name="answered">Called with each when it is answered, before the next is asked for.</param>
    /// <param name="requests">What to ask for.</param>
    public void StartInOrder(Action<Request> answered, params Request[] requests) => _actor.Start(async () =>
    {
        foreach (var request in requests)
        {
            var told = await AskAsync(request, TimeSpan.FromSeconds(40));
            world.Note(name, $"{request}: {told}");
            memory.Add((request, told));
            answered(request);
        }

        IsDone = true;
    });

    private string Pick(IReadOnlyList<string> payoutIds) => payoutIds[world.PayoutsComeInTurn
        ? Math.Min(payoutIds.Count - 1, (int)(world.Scheduler.Now * payoutIds.Count / Simulation.Storm))
        : world.Random.Next(payoutIds.Count)];

    private Request Draw(string payoutId) => world.Random.Next(10) switch
    {
        < 5 when world.Random.Next(12) == 0 => new CreateWithoutIdRequest(30_000),
        < 5 => new CreateRequest(payoutId, world.Random.Next(8) == 0 ? 40_000 : 30_000),
        < 8 => new ConfirmRequest(payoutId),
        _ => new CancelRequest(payoutId),
    };

    private async Task<Told> AskAsync(Request request, TimeSpan deadline)
    {
        var host = anyHost();
        if (host.Actor.HasCrashed)
            return Told.NotDone;
        var answered = new TaskCompletionSource<Exception?>();
        host.Serve(request, deadline, world.Scheduler.Clock, answer => _actor.Post(_ => answered.TrySetResult(answer), null));

        using var patience = new CancellationTokenSource(deadline + TimeSpan.FromSeconds(10), world.Scheduler.Clock);
        using (patience.Token.UnsafeRegister(_ => answered.TrySetCanceled(), null))
        {
            try
            {
                return Sort(request, await answered.Task);
            }
            catch (OperationCanceledException)
            {
                return Told.Unknown;
            }
        }
    }

    private Told Sort(Request request, Exception? answer) => answer switch
    {
        null => Told.Success,
        // Before anything was written down, PartyManagement's errors are told as they are; later ones are not.
        NotDoneException or DependencyFailedException when request is CreateRequest or CreateWithoutIdRequest => Told.NotDone,
        NotDoneException => Told.NotDone,
        LedgerRefusedException when !MayBeRefused(request) => Bug(answer),
        PayoutRefusedException or InvalidPayoutStateException or LedgerRefusedException => Told.Refused,
        OutcomeUnknownException => Told.Unknown,
        _ => Bug(answer),
    };

    /// <summary>Whether the ledger can have a reason to refuse. What was begun is gone on with, so a confirm never does.</summary>
    private bool MayBeRefused(Request request) => world.HistoryIsLost || request switch
    {
        CreateRequest or CreateWithoutIdRequest => !world.IsCalm,
        CancelRequest => world.OperatorHasMovedPlans,
        _ => false,
    };

    private Told Bug(Exception answer)
    {
        world.Break($"a caller was answered {answer}");
        return Told.Refused;
    }
}
