using System.Text.Json.Nodes;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Domain;
using PayoutManager.Thrift.Payouts;

namespace PayoutManager.Thrift.Tests;

/// <summary>Decoded structs in the shape in which the vectors state their values.</summary>
internal static class Rendering
{
    public static JsonObject Render(Payouts.PayoutParams p)
    {
        var json = new JsonObject
        {
            ["party_id"] = p.ShopParams!.PartyId,
            ["shop_id"] = p.ShopParams.ShopId,
            ["cash"] = Render(p.Cash!),
        };
        if (p.PayoutId is not null)
            json["payout_id"] = p.PayoutId;
        if (p.PayoutToolId is not null)
            json["payout_tool_id"] = p.PayoutToolId;
        return json;
    }

    public static JsonObject Render(Payout p) => new()
    {
        ["payout_id"] = p.PayoutId,
        ["created_at"] = p.CreatedAt,
        ["party_id"] = p.PartyId,
        ["shop_id"] = p.ShopId,
        ["status"] = Render(p.Status!),
        ["cash_flow"] = Render(p.CashFlow!),
        ["payout_tool_id"] = p.PayoutToolId,
        ["amount"] = p.Amount,
        ["fee"] = p.Fee,
        ["currency"] = p.Currency!.SymbolicCode,
    };

    public static JsonObject Render(Event e) => new()
    {
        ["sequence_id"] = e.SequenceId,
        ["created_at"] = e.CreatedAt,
        ["change"] = e.PayoutChange switch
        {
            PayoutChange.created created when created.As_created!.Payout!.Equals(e.Payout) => "created",
            PayoutChange.status_changed changed => new JsonObject { ["status_changed"] = Render(changed.As_status_changed!.Status!) },
            _ => "unexpected",
        },
        ["payout"] = Render(e.Payout!),
    };

    public static JsonArray Render(List<FinalCashFlowPosting> postings) => [.. postings.Select(Render)];

    public static JsonObject Render(Party party)
    {
        var contract = party.Contracts!.Values.Single();
        var shop = party.Shops!.Values.Single();
        var json = new JsonObject
        {
            ["contract"] = contract.Id,
            ["payout_tools"] = new JsonArray([.. contract.PayoutTools!.Select(t => (JsonNode)t.Id)]),
            ["shop"] = new JsonObject
            {
                ["id"] = shop.Id,
                ["contract_id"] = shop.ContractId,
                ["account"] = new JsonObject
                {
                    ["currency"] = shop.Account!.Currency!.SymbolicCode,
                    ["settlement"] = shop.Account.Settlement,
                    ["guarantee"] = shop.Account.Guarantee,
                    ["payout"] = shop.Account.Payout,
                },
            },
        };
        if (shop.PayoutToolId is not null)
            json["shop"]!["payout_tool_id"] = shop.PayoutToolId;
        return json;
    }

    public static JsonObject Render(Thrift.Parties.PayoutParams p) => new()
    {
        ["shop_id"] = p.Id,
        ["amount"] = Render(p.Amount!),
        ["timestamp"] = p.Timestamp,
        ["payout_tool_id"] = p.PayoutToolId,
    };

    public static JsonObject Render(PostingPlanChange change) => new()
    {
        ["plan"] = change.Id,
        ["batch"] = change.Batch!.Id,
        ["postings"] = new JsonArray(
        [
            .. change.Batch.Postings!.Select(p => (JsonNode)new JsonArray(p.FromId, p.ToId, p.Amount, p.CurrencySymCode, p.Description)),
        ]),
    };

    public static JsonObject Render(PostingPlan plan) => new()
    {
        ["plan"] = plan.Id,
        ["batches"] = new JsonArray([.. plan.BatchList!.Select(b => (JsonNode)b.Id)]),
    };

    public static string Render(Clock clock) => clock switch
    {
        Clock.vector vector => $"vector {Convert.ToHexStringLower(vector.As_vector!.State!)}",
        Clock.latest => "latest",
        _ => "unexpected",
    };

    public static JsonObject Render(Balance balance) => new()
    {
        ["id"] = balance.Id,
        ["own_amount"] = balance.OwnAmount,
        ["max_available_amount"] = balance.MaxAvailableAmount,
        ["min_available_amount"] = balance.MinAvailableAmount,
        ["clock"] = Render(balance.Clock!),
    };

    public static JsonObject Render(InvalidPostingParams wrong) => new()
    {
        ["wrong_postings"] = new JsonArray(
        [
            .. wrong.WrongPostings!.Select(p =>
                (JsonNode)new JsonArray($"{p.Key.FromId}->{p.Key.ToId} {p.Key.Amount} {p.Key.CurrencySymCode}", p.Value)),
        ]),
    };

    public static JsonObject Errors(IEnumerable<string> errors) =>
        new() { ["errors"] = new JsonArray([.. errors.Select(e => (JsonNode)e)]) };

    private static JsonNode Render(FinalCashFlowPosting posting)
    {
        var json = new JsonObject
        {
            ["source"] = Render(posting.Source!),
            ["destination"] = Render(posting.Destination!),
            ["volume"] = Render(posting.Volume!),
        };
        if (posting.Details is not null)
            json["details"] = posting.Details;
        return json;
    }

    private static string Render(FinalCashFlowAccount account) =>
        $"{account.AccountType!.GetType().Name}.{account.AccountType.Data}/{account.AccountId}";

    private static string Render(Cash cash) => $"{cash.Amount} {cash.Currency!.SymbolicCode}";

    private static JsonNode Render(PayoutStatus status) => status switch
    {
        PayoutStatus.cancelled cancelled => new JsonObject { ["cancelled"] = cancelled.As_cancelled!.Details },
        PayoutStatus.___undefined => "unexpected",
        _ => status.GetType().Name,
    };
}
