using PayoutManager.Bench.Load;
using PayoutManager.Bench.Stand;

namespace PayoutManager.Bench.Figures;

/// <summary>Calls of one kind at one subject, whose CPU is counted.</summary>
internal static class Turn
{
    private const int CallersAtOnce = 8;

    // Until what calls leave to do, such as their events, is done and counted as theirs.
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(250);

    /// <summary>Makes calls.</summary>
    /// <param name="subject">At which program.</param>
    /// <param name="messages">The calls.</param>
    /// <param name="cpu">What has been taken so far.</param>
    /// <returns>What they took, in microseconds a call.</returns>
    public static async Task<double> CpuPerCallAsync(Subject subject, IReadOnlyList<byte[]> messages, Func<TimeSpan> cpu)
    {
        var began = cpu();
        await Callers.RunAsync([subject.Url], CallersAtOnce, messages);
        await Task.Delay(Settling, TimeProvider.System);
        return (cpu() - began).TotalMicroseconds / messages.Count;
    }
}
