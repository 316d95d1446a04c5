using System.Diagnostics;
using PayoutManager.Application.Ports;

namespace PayoutManager.Host.Faults;

/// <summary>
/// The steps at which a host can be made to die, in Development only: after each call to the outside, by the name of the port's
/// method. What precedes a call has the same effect as what follows the call before it, and the database does each of its calls at once.
/// </summary>
internal sealed class FaultPoints(string killAt)
{
    private static readonly Type[] Ports =
    [
        typeof(IPayoutStore), typeof(IOperationStore), typeof(IPartyManagement), typeof(ILedger), typeof(IEventOutbox),
        typeof(IEventSession),
    ];

    /// <summary>All steps.</summary>
    public static IReadOnlyList<string> Steps { get; } =
    [
        .. Ports.SelectMany(port => port.GetMethods()).Where(method => !method.IsSpecialName).Select(method => StepOf(method.Name)),
    ];

    public static string StepOf(string method) => method.EndsWith("Async", StringComparison.Ordinal) ? method[..^5] : method;

    /// <summary>A step has been reached; it may be the last.</summary>
    public void Reach(string step)
    {
        if (step != killAt)
            return;
        Process.GetCurrentProcess().Kill();
        // Nothing may happen between the signal and the end.
        Thread.CurrentThread.Join();
    }
}
