using PayoutManager.Application.Outcomes;
using PayoutManager.Domain.Payouts;
using PayoutManager.Woody.Server;

namespace PayoutManager.Host.Thrift;

/// <summary>Which undeclared error an exception is on the wire. Reasons name no address and nobody else's payout.</summary>
internal static class ErrorSorting
{
    public static WoodyError? Sort(Exception e) => e switch
    {
        InvalidPayoutStateException or PayoutRefusedException => WoodyError.Unexpected(e.Message),
        LedgerRefusedException => WoodyError.Unexpected("the ledger refused the payout's plan"),
        NotDoneException => WoodyError.Unavailable(e.Message),
        OutcomeUnknownException => WoodyError.Unknown(e.Message),
        DependencyFailedException failed => new WoodyError(
            StatusCodes.Status502BadGateway, failed.ErrorClass, "a dependency answered with an undeclared error"),
        _ => null,
    };
}
