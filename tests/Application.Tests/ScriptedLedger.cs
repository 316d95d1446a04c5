using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;

namespace PayoutManager.Application.Tests;

/// <summary>
/// A ledger that answers by a script: <c>Hold payout_p1: refused; Rollback payout_p1: ok</c>. A call that the script does not have next
/// is an error. Answers are ok, refused, refused after a lost try, not done, unknown, failed, broken and, of Balance, a number.
/// </summary>
internal sealed class ScriptedLedger : ILedger
{
    private readonly Queue<(string Call, string Answer)> _script = [];

    /// <summary>Whether everything was asked for.</summary>
    public bool IsAtEnd => _script.Count == 0;

    public ScriptedLedger Then(string script)
    {
        foreach (var line in script.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var (call, answer) = (line[..line.IndexOf(':', StringComparison.Ordinal)], line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim());
            // "refused twice" stands for two calls.
            for (var times = answer == "refused twice" ? 2 : 1; times > 0; times--)
                _script.Enqueue((call, answer == "refused twice" ? "refused" : answer));
        }

        return this;
    }

    public Task<LedgerClock> HoldAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        Answer($"Hold {plan.Id}", plan.Id);
        return Task.FromResult(new LedgerClock(null));
    }

    public Task CommitAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        Answer($"Commit {plan.Id}", plan.Id);
        return Task.CompletedTask;
    }

    public Task RollbackAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        Answer($"Rollback {plan.Id}", plan.Id);
        return Task.CompletedTask;
    }

    public Task<long> GetMinAvailableAmountAsync(long accountId, LedgerClock clock, CancellationToken cancellationToken) =>
        Task.FromResult(long.TryParse(Answer("Balance", "(none)"), out var balance) ? balance : 0);

    public Task<bool> AnswersAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    private string Answer(string call, string planId)
    {
        if (!_script.TryDequeue(out var next) || next.Call != call)
            throw new InvalidOperationException($"The ledger was asked to {call}, and the script has {(next.Call is null ? "nothing" : next.Call)} next.");
        return next.Answer switch
        {
            "refused" => throw new LedgerRefusedException(planId, "scripted"),
            "refused after a lost try" => throw new LedgerRefusedException(planId, "scripted", earlierTryMayBeDone: true),
            "not done" => throw new NotDoneException("scripted"),
            "unknown" => throw new OutcomeUnknownException("scripted"),
            "failed" => throw new DependencyFailedException("scripted", "Result Unexpected"),
            "broken" => throw new FormatException("an error that nobody thought of"),
            var answer => answer,
        };
    }
}
