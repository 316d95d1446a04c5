// The service itself: payouts, the calls on them, and the events that tell of every change.
namespace netstd PayoutManager.Thrift.Payouts

include "base.thrift"
include "domain.thrift"

/** Created; the money is held in the ledger. */
struct PayoutUnpaid {}
/** Sent to the bank. Nothing in this service sets it; old payouts may have it. */
struct PayoutPaid {}
/** Called off; the money is back on the merchant's settlement account. */
struct PayoutCancelled {
    1: required string details
}
/** Done; the money has left. */
struct PayoutConfirmed {}
/** Came to nothing. Of a later variant of the protocol: only rows of a predecessor that spoke it have this status. */
struct PayoutFailed {}

/** Where a payout stands. */
union PayoutStatus {
    1: PayoutUnpaid unpaid
    2: PayoutPaid paid
    3: PayoutCancelled cancelled
    4: PayoutConfirmed confirmed
    5: PayoutFailed failed
}

/** A move of a merchant's money out of the platform. */
struct Payout {
    1: required string payout_id
    2: required base.Timestamp created_at
    3: required string party_id
    4: required string shop_id
    5: required PayoutStatus status
    6: required list<domain.FinalCashFlowPosting> cash_flow
    7: required string payout_tool_id
    /** What the merchant receives, in minor units. */
    8: required i64 amount
    /** What the merchant pays for it, in minor units. */
    9: required i64 fee
    10: required domain.CurrencyRef currency
}

/** The shop whose money is paid out. */
struct ShopParams {
    1: required string party_id
    2: required string shop_id
}

struct PayoutParams {
    1: required ShopParams shop_params
    /** What leaves the shop's settlement account, before fees. */
    2: required domain.Cash cash
    /** Chosen by the caller so that a repeat cannot pay twice; made by the service when absent. */
    3: optional string payout_id
    /** The shop's own tool when absent. */
    4: optional string payout_tool_id
}

/** The payout came into being. */
struct PayoutCreated {
    1: required Payout payout
}

/** The payout moved on to another status. */
struct PayoutStatusChanged {
    1: required PayoutStatus status
}

union PayoutChange {
    1: PayoutCreated created
    2: PayoutStatusChanged status_changed
}

/** A record of the topic `pm-events-payout`, a bare struct in the binary protocol. */
struct Event {
    1: required string payout_id
    /** 0 for `created`, one more with each later change of the same payout. */
    2: required i32 sequence_id
    3: required base.Timestamp created_at
    4: required PayoutChange payout_change
    /** The payout as it is after the change. */
    5: required Payout payout
}

exception NotFound {
    1: optional string message
}
exception InsufficientFunds {}
exception PayoutAlreadyExists {}

/** Served at `POST /payout/management`. */
service PayoutManagement {
    Payout CreatePayout(1: PayoutParams payout_params) throws (
        1: InsufficientFunds ex1
        2: base.InvalidRequest ex2
        3: PayoutAlreadyExists ex3
        4: NotFound ex4
    )

    Payout GetPayout(1: string payout_id) throws (1: NotFound ex1)

    // Confirm and Cancel return nothing, so an old client would read success out of an exception that it does not
    // know. Every refusal but NotFound therefore stays undeclared: HTTP 500.
    void ConfirmPayout(1: string payout_id) throws (1: NotFound ex1)

    void CancelPayout(1: string payout_id, 2: string details) throws (1: NotFound ex1)
}
