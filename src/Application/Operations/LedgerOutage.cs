using Microsoft.Extensions.Logging;
using PayoutManager.Application.Ports;

namespace PayoutManager.Application.Operations;

/// <summary>
/// Tells a ledger that carries out nothing from an operation that the ledger does not carry out. While the ledger is down no operation
/// is to blame, and the end of the outage is the time to try them all again.
/// </summary>
internal sealed class LedgerOutage(ILedger ledger, TimeProvider clock, ILogger logger)
{
    // Many operations fail at once where the ledger goes down: they share one question.
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private Task<bool> _latest = Task.FromResult(true);
    private long? _askedAt;

    /// <summary>Whether the ledger was found down and has not answered since.</summary>
    public bool IsOn { get; private set; }

    /// <summary>Asks the ledger whether it answers, or waits for what another has just asked.</summary>
    public Task<bool> AnswersAsync()
    {
        lock (_lock)
        {
            if (_askedAt is not { } at || (_latest.IsCompleted && clock.GetElapsedTime(at) >= Freshness))
            {
                _askedAt = clock.GetTimestamp();
                _latest = AskAsync();
            }

            return _latest;
        }
    }

    private async Task<bool> AskAsync()
    {
        using var patience = new CancellationTokenSource(Patience, clock);
        var answers = await ledger.AnswersAsync(patience.Token);
        if (IsOn == answers)
        {
            IsOn = !answers;
            if (IsOn)
                OperationLog.LedgerDown(logger);
            else
                OperationLog.LedgerBack(logger);
        }

        return answers;
    }
}
