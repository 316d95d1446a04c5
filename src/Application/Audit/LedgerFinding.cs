namespace PayoutManager.Application.Audit;

/// <summary>What the ledger's side says of one payout.</summary>
/// <param name="Look">How it was looked at.</param>
/// <param name="Disagreements">Where it disagrees with the payout.</param>
/// <param name="NotKnown">What it does not tell.</param>
/// <param name="Failure">Why it gave no answer; null where it did.</param>
/// <param name="IsOutOfReach">Whether it would not answer for any other payout either.</param>
internal sealed record LedgerFinding(
    LedgerLook Look,
    IReadOnlyList<Disagreement> Disagreements,
    IReadOnlyList<Disagreement> NotKnown,
    string? Failure = null,
    bool IsOutOfReach = false)
{
    public static LedgerFinding NotAsked { get; } = new(LedgerLook.NotAsked, [], []);

    /// <summary>Nothing of ours leads to a failed payout or away from one, so nothing is known of its plan.</summary>
    public static LedgerFinding Failed { get; } = new(
        LedgerLook.NotAsked,
        [],
        [new(DisagreementKind.FailedPayout, "The payout is failed, a state of another version's; the ledger was not asked.")]);
}
