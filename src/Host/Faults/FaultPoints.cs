using System.Data.Common;
using System.Diagnostics;
using Microsoft.EntityFrameworkCore.Diagnostics;
using PayoutManager.Application.Ports;

namespace PayoutManager.Host.Faults;

/// <summary>
/// The steps at which a host can be made to die, in Development only: after each call to the outside, by the name of the
/// port's method, and inside of a transaction just before its commit, where there is one: intending and applying are each done at
/// once by the database. What precedes a call has the same effect as what follows the call before it.
/// </summary>
internal sealed class FaultPoints(string killAt)
{
    private const string BeforeCommit = ":commit";

    private static readonly Type[] Ports =
    [
        typeof(IPayoutStore), typeof(IOperationStore), typeof(IPartyManagement), typeof(ILedger), typeof(IEventOutbox),
        typeof(IEventSession),
    ];

    private static readonly AsyncLocal<string?> Current = new();

    /// <summary>All steps.</summary>
    public static IReadOnlyList<string> Steps { get; } =
    [
        .. Ports.SelectMany(port => port.GetMethods()).Where(method => !method.IsSpecialName).Select(method => StepOf(method.Name)),
        "TakeOver" + BeforeCommit,
    ];

    /// <summary>Watches transactions.</summary>
    public IInterceptor Interceptor => new CommitInterceptor(this);

    public static string StepOf(string method) => method.EndsWith("Async", StringComparison.Ordinal) ? method[..^5] : method;

    /// <summary>A call to the outside begins.</summary>
    public static void Enter(string step) => Current.Value = step;

    /// <summary>A step has been reached; it may be the last.</summary>
    public void Reach(string step)
    {
        if (step != killAt)
            return;
        Process.GetCurrentProcess().Kill();
        // Nothing may happen between the signal and the end.
        Thread.CurrentThread.Join();
    }

    private sealed class CommitInterceptor(FaultPoints points) : DbTransactionInterceptor
    {
        public override ValueTask<InterceptionResult> TransactionCommittingAsync(
            DbTransaction transaction,
            TransactionEventData eventData,
            InterceptionResult result,
            CancellationToken cancellationToken = default)
        {
            points.Reach(Current.Value + BeforeCommit);
            return new ValueTask<InterceptionResult>(result);
        }
    }
}
