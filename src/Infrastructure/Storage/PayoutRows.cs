using PayoutManager.Application.Operations;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>Payouts to rows and back.</summary>
internal static class PayoutRows
{
    public static PayoutRow ToRow(Payout payout, PayoutRequest request) => new()
    {
        SequenceId = payout.SequenceId,
        PayoutId = payout.Id.Value,
        CreatedAt = Unspecified(payout.CreatedAt),
        PartyId = payout.PartyId.Value,
        ShopId = payout.ShopId.Value,
        Status = payout.Status.State,
        PayoutToolId = payout.PayoutToolId?.Value,
        Amount = payout.Amount.Amount,
        Fee = payout.Fee.Amount,
        CurrencyCode = payout.Amount.Currency.Code,
        CancelDetails = payout.Status.Details,
        HoldAttempt = payout.HoldAttempt,
        RequestDigest = request.Digest(),
    };

    public static IEnumerable<CashFlowPostingRow> ToPostingRows(Payout payout) =>
        payout.CashFlow.Select(posting => new CashFlowPostingRow
        {
            PayoutId = payout.Id.Value,
            CreatedAt = Unspecified(payout.CreatedAt),
            FromAccountId = posting.Source.Id,
            FromAccountType = posting.Source.Type,
            ToAccountId = posting.Destination.Id,
            ToAccountType = posting.Destination.Type,
            Amount = posting.Volume.Amount,
            CurrencyCode = posting.Volume.Currency.Code,
            Description = posting.Details,
        });

    public static Payout ToPayout(PayoutRow row, IEnumerable<CashFlowPostingRow> postings)
    {
        var currency = Currency.Restore(row.CurrencyCode);
        return Payout.Restore(
            PayoutId.Restore(row.PayoutId),
            row.SequenceId,
            new DateTimeOffset(DateTime.SpecifyKind(row.CreatedAt, DateTimeKind.Utc)),
            PartyId.Restore(row.PartyId),
            ShopId.Restore(row.ShopId),
            row.PayoutToolId is { Length: > 0 } tool ? PayoutToolId.Restore(tool) : null,
            new CashFlow(postings.Select(ToPosting)),
            new Cash(row.Amount, currency),
            new Cash(row.Fee, currency),
            PayoutStatus.Restore(row.Status, row.CancelDetails),
            row.HoldAttempt);
    }

    private static CashFlowPosting ToPosting(CashFlowPostingRow row) => new(
        new CashFlowAccount(row.FromAccountType, row.FromAccountId),
        new CashFlowAccount(row.ToAccountType, row.ToAccountId),
        new Cash(row.Amount, Currency.Restore(row.CurrencyCode)),
        row.Description);

    private static DateTime Unspecified(DateTimeOffset instant) =>
        DateTime.SpecifyKind(instant.UtcDateTime, DateTimeKind.Unspecified);
}
