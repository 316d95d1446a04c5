using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>What row, stored events and topic say of a payout, before the ledger is asked anything.</summary>
/// <param name="Payout">The row; null where there are only events.</param>
/// <param name="SpentAttempts">How many attempts at a revert are noted as spent.</param>
/// <param name="Disagreements">Where the three disagree. If there is any, nobody knows what the ledger should say.</param>
/// <param name="HasWitness">
/// Whether an event shows the row's state. A predecessor's payout may have no event at all: then the row alone says what it is, and
/// somebody may have edited it.
/// </param>
/// <param name="WasConfirmed">Whether the payout was ever confirmed; null where the events that would tell are a predecessor's and gone.</param>
internal sealed record Evidence(
    Payout? Payout,
    int SpentAttempts,
    IReadOnlyList<Disagreement> Disagreements,
    bool HasWitness,
    bool? WasConfirmed)
{
    public static Evidence Of(PayoutId payoutId, PayoutHistory history, TopicView topic)
    {
        var records = topic.Contents.Of(payoutId);
        if (history.Payout is not { } payout)
        {
            return new Evidence(
                null,
                history.SpentAttempts,
                [new(DisagreementKind.EventDiffers, $"There are events of payout {payoutId}, and its row is gone.")],
                HasWitness: false,
                WasConfirmed: null);
        }

        var shown = history.Events.Select(e => (SequenceId: (int?)e.SequenceId, e.State))
            .Concat(records.Select(r => (r.SequenceId, r.State)))
            .ToHashSet();
        return new Evidence(
            payout,
            history.SpentAttempts,
            [.. EventRules.Judge(payout, history.Events, records, topic)],
            shown.Contains((payout.SequenceId, payout.Status.State)),
            FindConfirmed(payout, shown));
    }

    private static bool? FindConfirmed(Payout payout, HashSet<(int? SequenceId, PayoutState? State)> shown)
    {
        if (payout.Status.State == PayoutState.Confirmed || shown.Any(e => e.State == PayoutState.Confirmed))
            return true;
        // Every payout begins unpaid, and the row says how it ended: what is in question lies between.
        var known = shown.Where(e => e.State is not null).Select(e => e.SequenceId).ToHashSet();
        return Enumerable.Range(1, Math.Max(0, payout.SequenceId - 1)).All(id => known.Contains(id)) ? false : null;
    }
}
