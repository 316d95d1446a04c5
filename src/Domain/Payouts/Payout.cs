using System.Diagnostics;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;

namespace PayoutManager.Domain.Payouts;

/// <summary>
/// A move of a merchant's money out of the platform, as it stands after its latest change. Immutable: each verb returns
/// the payout as it is afterwards, or the same object where there was nothing to do.
/// </summary>
[DebuggerDisplay("{Id} {Status} {Amount} #{SequenceId}")]
public sealed record Payout
{
    private Payout(
        PayoutId id,
        int sequenceId,
        DateTimeOffset createdAt,
        PartyId partyId,
        ShopId shopId,
        PayoutToolId? payoutToolId,
        CashFlow cashFlow,
        Cash amount,
        Cash fee,
        PayoutStatus status,
        int holdAttempt)
    {
        Id = id;
        SequenceId = sequenceId;
        CreatedAt = createdAt;
        PartyId = partyId;
        ShopId = shopId;
        PayoutToolId = payoutToolId;
        CashFlow = cashFlow;
        Amount = amount;
        Fee = fee;
        Status = status;
        HoldAttempt = holdAttempt;
    }

    /// <summary>The payout's name.</summary>
    public PayoutId Id { get; }

    /// <summary>0 when created, one more with each change of status.</summary>
    public int SequenceId { get; private init; }

    /// <summary>When the payout was created: UTC, whole microseconds, which is what the database keeps.</summary>
    public DateTimeOffset CreatedAt { get; }

    /// <summary>Whose money is paid out.</summary>
    public PartyId PartyId { get; }

    /// <summary>The shop from whose settlement account the money leaves.</summary>
    public ShopId ShopId { get; }

    /// <summary>Where the money goes; null only for a payout of the predecessor's, which did not always know.</summary>
    public PayoutToolId? PayoutToolId { get; }

    /// <summary>The postings that carry the payout out.</summary>
    public CashFlow CashFlow { get; }

    /// <summary>What the merchant receives.</summary>
    public Cash Amount { get; }

    /// <summary>What the payout costs the merchant.</summary>
    public Cash Fee { get; }

    /// <summary>Where the payout stands.</summary>
    public PayoutStatus Status { get; private init; }

    /// <summary>Which attempt at a hold carries the payout, from 1; part of the ledger plan's name.</summary>
    public int HoldAttempt { get; private init; }

    /// <summary>The plan that holds the payout's money, is committed to confirm it and rolled back to cancel it.</summary>
    public LedgerPlan HoldPlan => LedgerPlan.Hold(Id, CashFlow, HoldAttempt);

    /// <summary>A new payout, unpaid, with amount and fee read off its cash flow.</summary>
    /// <param name="id">The payout's name.</param>
    /// <param name="createdAt">Now; cut to whole microseconds.</param>
    /// <param name="partyId">Whose money is paid out.</param>
    /// <param name="shopId">The shop that pays.</param>
    /// <param name="payoutToolId">Where the money goes.</param>
    /// <param name="currency">The payout's currency.</param>
    /// <param name="cashFlow">The postings that carry it out.</param>
    /// <param name="holdAttempt">1, or more where plans of the same payout id were rolled back before.</param>
    /// <exception cref="ArgumentOutOfRangeException">The payout amount is not positive, or the attempt not from 1.</exception>
    /// <exception cref="OverflowException">Amount or fee do not fit 64 bits.</exception>
    /// <exception cref="InvalidOperationException">The cash flow pays out in another currency.</exception>
    public static Payout Create(
        PayoutId id,
        DateTimeOffset createdAt,
        PartyId partyId,
        ShopId shopId,
        PayoutToolId payoutToolId,
        Currency currency,
        CashFlow cashFlow,
        int holdAttempt = 1)
    {
        var amount = cashFlow.PayoutAmount(currency);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(amount.Amount, nameof(cashFlow));
        return Restore(
            id,
            sequenceId: 0,
            createdAt.AddTicks(-(createdAt.Ticks % TimeSpan.TicksPerMicrosecond)),
            partyId,
            shopId,
            payoutToolId,
            cashFlow,
            amount,
            cashFlow.Fee(currency),
            PayoutStatus.Unpaid,
            holdAttempt);
    }

    /// <summary>A payout as it was stored before, whatever the rules were then.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sequence id is negative, or the attempt not from 1.</exception>
    public static Payout Restore(
        PayoutId id,
        int sequenceId,
        DateTimeOffset createdAt,
        PartyId partyId,
        ShopId shopId,
        PayoutToolId? payoutToolId,
        CashFlow cashFlow,
        Cash amount,
        Cash fee,
        PayoutStatus status,
        int holdAttempt = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sequenceId);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(holdAttempt);
        return new Payout(
            id,
            sequenceId,
            createdAt.ToUniversalTime(),
            partyId,
            shopId,
            payoutToolId,
            cashFlow,
            amount,
            fee,
            status,
            holdAttempt);
    }

    /// <summary>The same payout with its money held by another attempt's plan.</summary>
    /// <exception cref="InvalidPayoutStateException">The payout is past its creation; its plan is settled.</exception>
    public Payout HeldBy(int attempt)
    {
        if (SequenceId != 0 || Status.State != PayoutState.Unpaid)
            throw new InvalidPayoutStateException("hold again", this);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(attempt);
        return this with { HoldAttempt = attempt };
    }

    /// <summary>The money has left. Confirming a confirmed payout again changes nothing.</summary>
    /// <exception cref="InvalidPayoutStateException">The payout is cancelled or failed.</exception>
    public Payout Confirm() => Status.State switch
    {
        PayoutState.Cancelled or PayoutState.Failed => throw new InvalidPayoutStateException("confirm", this),
        PayoutState.Confirmed => this,
        _ => MovedTo(PayoutStatus.Confirmed),
    };

    /// <summary>
    /// The payout is called off: its hold is rolled back or, if it was confirmed, its money reverted. Cancelling a
    /// cancelled payout again changes nothing; the first details stay.
    /// </summary>
    /// <exception cref="ArgumentException">The details break the rule of <see cref="PayoutStatus.Cancelled"/>.</exception>
    /// <exception cref="InvalidPayoutStateException">The payout is failed.</exception>
    public Payout Cancel(string details) => Status.State switch
    {
        PayoutState.Failed => throw new InvalidPayoutStateException("cancel", this),
        PayoutState.Cancelled => this,
        _ => MovedTo(PayoutStatus.Cancelled(details)),
    };

    /// <summary>The plan that gives a confirmed payout's money back.</summary>
    /// <param name="attempt">From 1; higher where a plan of an earlier attempt was rolled back.</param>
    public LedgerPlan RevertPlan(int attempt) => LedgerPlan.Revert(Id, CashFlow, attempt);

    private Payout MovedTo(PayoutStatus status) => this with { Status = status, SequenceId = SequenceId + 1 };
}
