// The accounter of Shumway, the double-entry ledger: plans of postings that are held, then committed or rolled back.
namespace netstd PayoutManager.Thrift.Accounting

include "base.thrift"

/** One move between two accounts. */
struct Posting {
    1: required i64 from_id
    2: required i64 to_id
    /** Minor units. */
    3: required i64 amount
    4: required string currency_sym_code
    5: required string description
}

/** Postings of a plan that are held together. */
struct PostingBatch {
    1: required i64 id
    2: required list<Posting> postings
}

struct PostingPlan {
    1: required string id
    2: required list<PostingBatch> batch_list
}

/** One more batch for a plan, which comes into being with its first. */
struct PostingPlanChange {
    1: required string id
    2: required PostingBatch batch
}

/** A state of the ledger that can be named again; its contents mean nothing to callers. */
struct VectorClock {
    1: required binary state
}
struct LatestClock {}

/** How recent an answer must be, or is. */
union Clock {
    1: VectorClock vector
    2: LatestClock latest
}

struct Account {
    1: required i64 id
    2: required string currency_sym_code
    3: optional string description
    4: optional base.Timestamp creation_time
}

struct Balance {
    1: required i64 id
    2: required i64 own_amount
    /** Own amount plus everything held into the account. */
    3: required i64 max_available_amount
    /** Own amount minus everything held out of the account. */
    4: required i64 min_available_amount
    5: required Clock clock
}

exception AccountNotFound {
    1: required i64 account_id
}
exception PlanNotFound {
    1: required string plan_id
}
exception ClockInFuture {}
exception InvalidPostingParams {
    1: required map<Posting, string> wrong_postings
}

/** Hold, CommitPlan and RollbackPlan are idempotent; a committed or rolled back plan never changes again. */
service Accounter {
    Clock Hold(1: PostingPlanChange plan_change) throws (
        1: InvalidPostingParams e1
        2: base.InvalidRequest e2
    )
    Clock CommitPlan(1: PostingPlan plan) throws (
        1: InvalidPostingParams e1
        2: base.InvalidRequest e2
    )
    Clock RollbackPlan(1: PostingPlan plan) throws (
        1: InvalidPostingParams e1
        2: base.InvalidRequest e2
    )
    PostingPlan GetPlan(1: string id) throws (1: PlanNotFound e1)
    Account GetAccountByID(1: i64 id) throws (1: AccountNotFound e1)
    Balance GetBalanceByID(1: i64 id, 2: Clock clock) throws (
        1: AccountNotFound e1
        2: ClockInFuture e2
    )
}
