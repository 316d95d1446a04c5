using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;

namespace PayoutManager.Simulation;

/// <summary>A host's way to everything else, on which calls are delayed, lost, late and doubled.</summary>
internal sealed class Wire(World world, Actor host)
{
    private bool GoesWrong => world.Random.Next(100) < world.FaultPercent;

    /// <summary>A call that is idempotent at the other end.</summary>
    public async Task<T> CallAsync<T>(string what, Func<T> effect, CancellationToken cancellationToken)
    {
        await TravelAsync(what, began: false, cancellationToken);
        if (GoesWrong)
        {
            switch (world.Random.Next(6))
            {
                case 0:
                    Note(what, "not done");
                    throw new NotDoneException($"{what}: not done");
                case 1:
                    Note(what, "lost on the way there");
                    throw new OutcomeUnknownException($"{what}: lost");
                case 2:
                    effect();
                    Note(what, "done, answer lost");
                    throw new OutcomeUnknownException($"{what}: answer lost");
                case 3:
                    Later(what, effect);
                    Note(what, "late");
                    throw new OutcomeUnknownException($"{what}: late");
                case 4:
                    Later(what, effect);
                    Note(what, "done, and doubled");
                    break;
                default:
                    if (world.Random.Next(2) == 0)
                        effect();
                    Note(what, "undeclared error");
                    throw new DependencyFailedException($"{what}: HTTP 500", "Result Unexpected");
            }
        }

        var result = effect();
        Note(what, Describe(result));
        Doze();
        await TravelAsync(what, began: true, cancellationToken);
        return result;
    }

    /// <summary>A call that only reads, at a peer that is not simulated any further.</summary>
    public async Task AskAsync(string what, CancellationToken cancellationToken)
    {
        await TravelAsync(what, began: false, cancellationToken);
        if (!GoesWrong)
            return;
        Note(what, "no answer");
        throw world.Random.Next(2) == 0
            ? new NotDoneException($"{what}: no answer")
            : new DependencyFailedException($"{what}: HTTP 500", "Result Unexpected");
    }

    /// <summary>
    /// A statement of the database: done or not, but never late and never doubled. An error of the short list proves that nothing was
    /// written; every other may come before or after the commit, and one is of a kind that nobody thought of.
    /// </summary>
    public async Task<T> ExecuteAsync<T>(string what, bool writes, Func<T> effect, CancellationToken cancellationToken)
    {
        await TravelAsync(what, began: false, cancellationToken);
        if (GoesWrong)
        {
            if (!writes || world.Random.Next(2) == 0)
            {
                Note(what, "database out of reach");
                throw new NotDoneException($"{what}: out of reach");
            }

            if (world.Random.Next(2) == 0)
                world.Rows.Watch(effect);
            var isOfNoKnownKind = world.Random.Next(4) == 0;
            Note(what, isOfNoKnownKind ? "SQL error that nobody thought of" : "database lost during commit");
            throw isOfNoKnownKind
                ? new FormatException($"{what}: an SQL error that nobody thought of")
                : new OutcomeUnknownException($"{what}: lost during commit");
        }

        var result = writes ? world.Rows.Watch(effect) : effect();
        if (writes)
            Note(what, Describe(result));
        await TravelAsync(what, began: writes, cancellationToken);
        return result;
    }

    /// <summary>An answer that takes its time, while the host goes on with everything else.</summary>
    public async Task StallAsync(string what, CancellationToken cancellationToken)
    {
        TimeSpan duration;
        if (world.SlowReader == host)
            duration = TimeSpan.FromMilliseconds(world.Random.Next(14_000, 19_000));
        else if (world.Random.Next(100) < world.StallPercent)
            duration = Spread(TimeSpan.FromSeconds(0.25), 6);
        else
            return;
        try
        {
            await Task.Delay(duration, world.Scheduler.Clock, cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            throw new NotDoneException($"{what}: no time left", e);
        }
    }

    /// <summary>From a moment to twice a lease, so that the host wakes up before, during and after a take-over.</summary>
    public void Doze()
    {
        if (world.Random.Next(100) >= world.DozePercent)
            return;
        var duration = Spread(TimeSpan.FromSeconds(0.03), 10);
        Note("host", $"falls asleep for {duration.TotalSeconds:F1} s");
        host.PauseFor(duration);
    }

    /// <summary>From the least up to so many doublings of it, each of them as often as the others; the same on every machine.</summary>
    private TimeSpan Spread(TimeSpan least, int doublings) =>
        least * (1 << world.Random.Next(doublings)) * (1 + world.Random.NextDouble());

    private void Note(string what, string came) => world.Note(host.Name, $"{what}: {came}");

    private void Later<T>(string what, Func<T> effect) => world.Network.Start(async () =>
    {
        await Task.Delay(TimeSpan.FromMilliseconds(world.Random.Next(20_000)), world.Scheduler.Clock);
        world.IsLate = true;
        world.Note("network", $"{what}, late: {Describe(effect())}");
        world.IsLate = false;
    });

    private async Task TravelAsync(string what, bool began, CancellationToken cancellationToken)
    {
        try
        {
            if (world.Random.Next(4) == 0)
                await Task.Delay(TimeSpan.FromMilliseconds(world.Random.Next(300)), world.Scheduler.Clock, cancellationToken);
            else
                await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
        }
        catch (OperationCanceledException e)
        {
            throw began
                ? new OutcomeUnknownException($"{what}: no time left", e)
                : new NotDoneException($"{what}: no time left", e);
        }
    }

    /// <summary>A result in words that are the same in every run: owners' names are not.</summary>
    private static string Describe<T>(T result) => result switch
    {
        Intended.Started started => $"attempt {started.Operation.Attempt}",
        Intended.Occupied occupied => $"occupied{(occupied.LeaseRanOut ? ", lease ran out" : "")}",
        Intended other => other.GetType().Name,
        Operation operation => $"attempt {operation.Attempt}",
        null => "nothing",
        _ => $"{result}",
    };
}
