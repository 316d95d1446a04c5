// Types shared by every peer of the platform.
namespace netstd PayoutManager.Thrift.Base

/** An instant in time, RFC 3339 in UTC with a trailing `Z` and 0, 3, 6 or 9 fraction digits. */
typedef string Timestamp

/** The request was understood but its contents are not acceptable. */
exception InvalidRequest {
    /** Everything that is wrong, one entry for each fault. */
    1: required list<string> errors
}
