using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>Calls of one kind at one subject, whose CPU is counted.</summary>
/// <param name="Method">The kind of call.</param>
/// <param name="Subject">At which program.</param>
/// <param name="Ids">Of the payouts that this subject's calls of one round are about.</param>
/// <param name="Counts">Whether it is past the warm-up.</param>
internal sealed record Turn(string Method, Subject Subject, string[] Ids, bool Counts)
{
    private const int CallersAtOnce = 8;

    // Until what calls leave to do, such as their events, is done and counted as theirs.
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Every turn there is. Of one method the subjects' are right after each other, and who begins changes: what else goes on on the
    /// machine meets all of them.
    /// </summary>
    public static IEnumerable<Turn> All(Effort effort, string[] methods, Subject[] subjects)
    {
        for (var round = -effort.WarmUpTurns; round < effort.Turns; round++)
        {
            var ids = subjects.ToDictionary(s => s, _ => PayoutCalls.NewIds(effort.CallsOfTurn));
            foreach (var method in methods)
            {
                foreach (var subject in round % 2 == 0 ? subjects : subjects.Reverse())
                    yield return new Turn(method, subject, ids[subject], Counts: round >= 0);
            }
        }
    }

    /// <summary>Makes calls.</summary>
    /// <param name="messages">The calls.</param>
    /// <param name="cpu">What has been taken so far.</param>
    /// <returns>What they took, in microseconds a call.</returns>
    public async Task<double> CpuPerCallAsync(IReadOnlyList<byte[]> messages, Func<TimeSpan> cpu)
    {
        var began = cpu();
        await Callers.RunAsync([Subject.Url], CallersAtOnce, messages);
        await Task.Delay(Settling, TimeProvider.System);
        return (cpu() - began).TotalMicroseconds / messages.Count;
    }
}
