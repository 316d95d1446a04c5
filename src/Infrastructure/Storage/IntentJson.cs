using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using PayoutManager.Application.Operations;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>What an operation is to do, as JSON that an operator can read.</summary>
internal static partial class IntentJson
{
    public static string KindOf(OperationIntent intent) => intent switch
    {
        CreateIntent => OperationRow.Create,
        ConfirmIntent => OperationRow.Confirm,
        CancelIntent => OperationRow.Cancel,
        _ => throw new ArgumentOutOfRangeException(nameof(intent), intent, null),
    };

    public static string Write(OperationIntent intent) => intent switch
    {
        CreateIntent create => JsonSerializer.Serialize(ToRequest(create), Json.Default.CreateRequest),
        CancelIntent cancel => JsonSerializer.Serialize(new CancelRequest(cancel.Details), Json.Default.CancelRequest),
        _ => "{}",
    };

    public static OperationIntent Read(OperationRow row) => row.Kind switch
    {
        OperationRow.Create => ToIntent(row.PayoutId, Parse(row, Json.Default.CreateRequest)),
        OperationRow.Confirm => new ConfirmIntent(),
        OperationRow.Cancel => new CancelIntent(Parse(row, Json.Default.CancelRequest).Details),
        _ => throw new InvalidDataException($"The operation on payout {row.PayoutId} is of unknown kind {row.Kind}."),
    };

    private static T Parse<T>(OperationRow row, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(row.Request ?? "null", type)
        ?? throw new InvalidDataException($"The operation on payout {row.PayoutId} has no request.");

    private static CreateRequest ToRequest(CreateIntent intent)
    {
        var (request, payout) = (intent.Request, intent.Payout);
        return new CreateRequest(
            request.PartyId.Value,
            request.ShopId.Value,
            request.Cash.Amount,
            request.Cash.Currency.Code,
            request.PayoutToolId?.Value,
            intent.IdIsOurs,
            payout.CreatedAt,
            payout.PayoutToolId!.Value,
            [
                .. payout.CashFlow.Select(posting => new PostingRequest(
                    posting.Source.Type,
                    posting.Source.Id,
                    posting.Destination.Type,
                    posting.Destination.Id,
                    posting.Volume.Amount,
                    posting.Volume.Currency.Code,
                    posting.Details)),
            ]);
    }

    private static CreateIntent ToIntent(string payoutId, CreateRequest stored)
    {
        var currency = Currency.Restore(stored.Currency);
        var request = new PayoutRequest(
            PartyId.Restore(stored.PartyId),
            ShopId.Restore(stored.ShopId),
            new Cash(stored.Amount, currency),
            stored.PayoutToolId is { } tool ? PayoutToolId.Restore(tool) : null);
        var cashFlow = new CashFlow(stored.CashFlow.Select(posting => new CashFlowPosting(
            new CashFlowAccount(posting.FromType, posting.From),
            new CashFlowAccount(posting.ToType, posting.To),
            new Cash(posting.Amount, Currency.Restore(posting.Currency)),
            posting.Details)));
        var payout = Payout.Create(
            PayoutId.Restore(payoutId),
            stored.CreatedAt,
            request.PartyId,
            request.ShopId,
            PayoutToolId.Restore(stored.ChosenPayoutToolId),
            currency,
            cashFlow);
        return new CreateIntent(request, payout, stored.IdIsOurs);
    }

    private sealed record CancelRequest(string Details);

    private sealed record CreateRequest(
        string PartyId,
        string ShopId,
        long Amount,
        string Currency,
        string? PayoutToolId,
        bool IdIsOurs,
        DateTimeOffset CreatedAt,
        string ChosenPayoutToolId,
        IReadOnlyList<PostingRequest> CashFlow);

    private sealed record PostingRequest(
        AccountType FromType,
        long From,
        AccountType ToType,
        long To,
        long Amount,
        string Currency,
        string? Details);

    [JsonSourceGenerationOptions(
        JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
    [JsonSerializable(typeof(CreateRequest))]
    [JsonSerializable(typeof(CancelRequest))]
    private sealed partial class Json : JsonSerializerContext;
}
