using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;
using PayoutManager.Woody.Server;

namespace PayoutManager.Host.Thrift;

/// <summary>Which undeclared error an exception is on the wire. Reasons name no address and nobody else's payout.</summary>
/// <remarks>A caller's own mistake has a name: on the wire it looks like a failure of ours, and nobody should be woken by it.</remarks>
internal static class ErrorSorting
{
    public const string InvalidPayoutState = "InvalidPayoutState";
    public const string InvalidRequest = "InvalidRequest";

    public static WoodyError? Sort(Exception e) => e switch
    {
        InvalidPayoutStateException => WoodyError.Unexpected(e.Message) with { Name = InvalidPayoutState },
        PayoutRefusedException => WoodyError.Unexpected(e.Message) with { Name = InvalidRequest },
        LedgerRefusedException => WoodyError.Unexpected("the ledger refused the payout's plan"),
        NotDoneException => WoodyError.Unavailable(e.Message),
        OutcomeUnknownException => WoodyError.Unknown(e.Message),
        DependencyFailedException failed => new WoodyError(
            StatusCodes.Status502BadGateway, failed.ErrorClass, "a dependency answered with an undeclared error"),
        _ => null,
    };
}
