// The part of PartyManagement that payouts need: merchants, and what a payout costs them.
namespace netstd PayoutManager.Thrift.Parties

include "base.thrift"
include "domain.thrift"

struct InternalUser {}
struct ExternalUser {}
struct ServiceUser {}

union UserType {
    1: InternalUser internal_user
    2: ExternalUser external_user
    3: ServiceUser service_user
}

/** In whose name a call is made. */
struct UserInfo {
    1: required string id
    2: required UserType type
}

/** What a cash flow is to be computed for. */
struct PayoutParams {
    /** The shop's id. */
    1: required string id
    2: required domain.Cash amount
    /** The instant whose terms apply. */
    3: required base.Timestamp timestamp
    4: optional string payout_tool_id
}

exception InvalidUser {}
exception PartyNotFound {}
exception PartyNotExistsYet {}
exception ShopNotFound {}
exception OperationNotPermitted {}
exception PayoutToolNotFound {}

service PartyManagement {
    domain.Party Get(1: UserInfo user, 2: string party_id) throws (
        1: InvalidUser ex1
        2: PartyNotFound ex2
    )

    list<domain.FinalCashFlowPosting> ComputePayoutCashFlow(
        1: UserInfo user
        2: string party_id
        3: PayoutParams params
    ) throws (
        1: InvalidUser ex1
        2: PartyNotFound ex2
        3: PartyNotExistsYet ex3
        4: ShopNotFound ex4
        5: OperationNotPermitted ex5
        6: PayoutToolNotFound ex6
    )
}
