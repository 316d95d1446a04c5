using PayoutManager.Application.Operations;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Payouts;

namespace PayoutManager.Application.Audit;

/// <summary>Looks up the plans of payouts in the ledger's records, many in one query, and judges them. Asks the ledger nothing.</summary>
internal sealed class LedgerLookup(ILedgerRecords records)
{
    public async Task<IReadOnlyList<LedgerFinding>> LookUpAsync(IReadOnlyList<Evidence> payouts, CancellationToken cancellationToken)
    {
        var judged = payouts.Where(p => p.Payout!.Status.State != PayoutState.Failed).ToList();
        var known = await ReadAsync(
            judged.SelectMany(p => HoldIds(p.Payout!).Concat(RevertIds(p.Payout!, 1, FirstReverts(p)))), cancellationToken);
        var reverts = judged.ToDictionary(p => p, FirstReverts);
        // Only a last revert that is known can be followed by another.
        while (judged.Where(p => known.ContainsKey(LedgerPlan.RevertId(p.Payout!.Id, reverts[p]))).ToList() is { Count: > 0 } more)
        {
            var next = await ReadAsync(
                more.SelectMany(p => RevertIds(p.Payout!, reverts[p] + 1, PlanMoves.MaxReverts)), cancellationToken);
            foreach (var (id, plan) in next)
                known[id] = plan;
            foreach (var payout in more)
                reverts[payout] += PlanMoves.MaxReverts;
        }

        return
        [
            .. payouts.Select(p => p.Payout!.Status.State == PayoutState.Failed
                ? LedgerFinding.Failed
                : new LedgerFinding(
                    LedgerLook.Database,
                    LedgerRules.Judge(
                        p,
                        Plans(HoldIds(p.Payout)),
                        Plans(RevertIds(p.Payout, 1, reverts[p]))),
                    [])),
        ];

        List<LookedUpPlan> Plans(IEnumerable<string> ids) =>
            [.. ids.Select((id, place) => new LookedUpPlan(place + 1, id, known.GetValueOrDefault(id)))];
    }

    private async Task<Dictionary<string, RecordedPlan>> ReadAsync(IEnumerable<string> ids, CancellationToken cancellationToken) =>
        ids.ToList() is { Count: > 0 } asked ? new(await records.ReadAsync(asked, cancellationToken)) : [];

    private static int FirstReverts(Evidence payout) => payout.SpentAttempts + PlanMoves.MaxReverts + 1;

    private static IEnumerable<string> HoldIds(Payout payout) =>
        Enumerable.Range(1, payout.HoldAttempt + 1).Select(attempt => LedgerPlan.HoldId(payout.Id, attempt));

    private static IEnumerable<string> RevertIds(Payout payout, int first, int count) =>
        Enumerable.Range(first, count).Select(attempt => LedgerPlan.RevertId(payout.Id, attempt));
}
