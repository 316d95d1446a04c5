// Money, cash flows, and the part of a party that payouts need.
// Party, Shop, Contract and PayoutTool have many more fields on the wire; readers skip what is not declared here.
namespace netstd PayoutManager.Thrift.Domain

/** A currency, named by its symbolic code (`RUB`). */
struct CurrencyRef {
    1: required string symbolic_code
}

/** An amount of money in minor units of its currency. */
struct Cash {
    1: required i64 amount
    2: required CurrencyRef currency
}

/** Accounts that belong to a merchant's shop. */
enum MerchantCashFlowAccount {
    /** What the platform owes the merchant. */
    settlement = 0
    /** Kept back as a guarantee. */
    guarantee = 1
    /** On its way out to the merchant. */
    payout = 2
}

/** Accounts that belong to a payment provider. */
enum ProviderCashFlowAccount {
    settlement = 0
}

/** Accounts of the platform itself. */
enum SystemCashFlowAccount {
    settlement = 0
    subagent = 1
}

/** Accounts outside the platform. */
enum ExternalCashFlowAccount {
    income = 0
    outcome = 1
}

/** Accounts that take part in moves between wallets. */
enum WalletCashFlowAccount {
    sender_source = 0
    sender_settlement = 1
    receiver_settlement = 2
    receiver_destination = 3
}

/** The role that an account plays in a cash flow. */
union CashFlowAccount {
    1: MerchantCashFlowAccount merchant
    2: ProviderCashFlowAccount provider
    3: SystemCashFlowAccount system
    4: ExternalCashFlowAccount external
    5: WalletCashFlowAccount wallet
}

/** A role together with the ledger account that fills it. */
struct FinalCashFlowAccount {
    1: required CashFlowAccount account_type
    2: required i64 account_id
}

/** One move of money from a source to a destination account. */
struct FinalCashFlowPosting {
    1: required FinalCashFlowAccount source
    2: required FinalCashFlowAccount destination
    3: required Cash volume
    4: optional string details
}

/** A way in which a merchant can be paid out. */
struct PayoutTool {
    1: required string id
    2: required CurrencyRef currency
}

/** The contract under which a shop works. */
struct Contract {
    1: required string id
    9: required list<PayoutTool> payout_tools
}

/** The ledger accounts of a shop. */
struct ShopAccount {
    1: required CurrencyRef currency
    2: required i64 settlement
    3: required i64 guarantee
    4: required i64 payout
}

/** A merchant's shop. */
struct Shop {
    1: required string id
    6: optional ShopAccount account
    7: required string contract_id
    8: optional string payout_tool_id
}

/** A merchant: the owner of contracts and shops, by their ids. */
struct Party {
    1: required string id
    4: required map<string, Contract> contracts
    5: required map<string, Shop> shops
}
