using PayoutManager.Domain.Payouts;
using PayoutManager.Thrift.Domain;
using PayoutManager.Thrift.Serialization;
using Wire = PayoutManager.Thrift.Payouts;

namespace PayoutManager.Infrastructure.Contracts;

/// <summary>Payouts and their events in the words of the wire.</summary>
public static class PayoutContract
{
    /// <summary>A payout as GetPayout and CreatePayout answer it.</summary>
    public static Wire.Payout ToWire(Payout payout) => new()
    {
        PayoutId = payout.Id.Value,
        CreatedAt = ThriftTimestamp.Format(payout.CreatedAt),
        PartyId = payout.PartyId.Value,
        ShopId = payout.ShopId.Value,
        Status = ToWire(payout.Status),
        CashFlow = [.. payout.CashFlow.Select(CashFlowContract.ToWire)],
        // The contract requires one; the predecessor stored payouts without.
        PayoutToolId = payout.PayoutToolId?.Value ?? "",
        Amount = payout.Amount.Amount,
        Fee = payout.Fee.Amount,
        Currency = new CurrencyRef(payout.Amount.Currency.Code),
    };

    /// <summary>An event as it stands in the topic.</summary>
    public static Wire.Event ToWire(PayoutEvent payoutEvent)
    {
        var payout = ToWire(payoutEvent.Payout);
        return new Wire.Event
        {
            PayoutId = payout.PayoutId,
            SequenceId = payoutEvent.SequenceId,
            CreatedAt = ThriftTimestamp.Format(payoutEvent.CreatedAt),
            PayoutChange = payoutEvent switch
            {
                PayoutCreated => new Wire.PayoutChange.created(new Wire.PayoutCreated(payout)),
                _ => new Wire.PayoutChange.status_changed(new Wire.PayoutStatusChanged(payout.Status)),
            },
            Payout = payout,
        };
    }

    /// <summary>The state that a snapshot shows; null where it is none of those known here.</summary>
    public static PayoutState? StateOf(Wire.Payout? payout) => payout?.Status switch
    {
        Wire.PayoutStatus.unpaid => PayoutState.Unpaid,
        Wire.PayoutStatus.paid => PayoutState.Paid,
        Wire.PayoutStatus.cancelled => PayoutState.Cancelled,
        Wire.PayoutStatus.confirmed => PayoutState.Confirmed,
        Wire.PayoutStatus.failed => PayoutState.Failed,
        _ => null,
    };

    private static Wire.PayoutStatus ToWire(PayoutStatus status) => status.State switch
    {
        PayoutState.Unpaid => new Wire.PayoutStatus.unpaid(new Wire.PayoutUnpaid()),
        PayoutState.Paid => new Wire.PayoutStatus.paid(new Wire.PayoutPaid()),
        PayoutState.Cancelled => new Wire.PayoutStatus.cancelled(new Wire.PayoutCancelled(status.Details!)),
        PayoutState.Failed => new Wire.PayoutStatus.failed(new Wire.PayoutFailed()),
        _ => new Wire.PayoutStatus.confirmed(new Wire.PayoutConfirmed()),
    };
}
