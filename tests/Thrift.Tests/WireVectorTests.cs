using System.Text.Json.Nodes;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using AccounterCalls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;
using PartyCalls = PayoutManager.Thrift.Parties.PartyManagement.InternalStructs;
using PayoutCalls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Thrift.Tests;

public class WireVectorTests
{
    private static readonly string[] WithForeignFields =
    [
        "PartyManagement.Get.reply.success", "PartyManagement.Get.reply.no_payout_tool",
    ];

    /// <summary>For each vector, how to read it and what it must then say.</summary>
    private static readonly Dictionary<string, Func<byte[], (TBase Decoded, JsonNode? Value)>> Readers = new()
    {
        ["CreatePayout.call.full"] = Message<PayoutCalls.CreatePayout_args>(a => Rendering.Render(a.PayoutParams!)),
        ["CreatePayout.call.minimal"] = Message<PayoutCalls.CreatePayout_args>(a => Rendering.Render(a.PayoutParams!)),
        ["CreatePayout.reply.success"] = Message<PayoutCalls.CreatePayout_result>(r => Rendering.Render(r.Success!)),
        ["CreatePayout.reply.InsufficientFunds"] = Message<PayoutCalls.CreatePayout_result>(r => Empty(r.Ex1)),
        ["CreatePayout.reply.InvalidRequest"] = Message<PayoutCalls.CreatePayout_result>(r => Rendering.Errors(r.Ex2!.Errors!)),
        ["CreatePayout.reply.PayoutAlreadyExists"] = Message<PayoutCalls.CreatePayout_result>(r => Empty(r.Ex3)),
        ["CreatePayout.reply.NotFound"] = Message<PayoutCalls.CreatePayout_result>(r => Text("message", r.Ex4!.Message)),
        ["GetPayout.call"] = Message<PayoutCalls.GetPayout_args>(a => Text("payout_id", a.PayoutId)),
        ["GetPayout.reply.cancelled"] = Message<PayoutCalls.GetPayout_result>(r => Rendering.Render(r.Success!)),
        ["GetPayout.reply.paid"] = Message<PayoutCalls.GetPayout_result>(r => Rendering.Render(r.Success!)),
        ["ConfirmPayout.call"] = Message<PayoutCalls.ConfirmPayout_args>(a => Text("payout_id", a.PayoutId)),
        ["ConfirmPayout.reply.success"] = Message<PayoutCalls.ConfirmPayout_result>(r => r.Ex1 is null ? new JsonObject() : null),
        ["ConfirmPayout.reply.NotFound"] = Message<PayoutCalls.ConfirmPayout_result>(r => Text("message", r.Ex1!.Message)),
        ["CancelPayout.call"] = Message<PayoutCalls.CancelPayout_args>(a =>
            new JsonObject { ["payout_id"] = a.PayoutId, ["details"] = a.Details }),
        ["CancelPayout.reply.success"] = Message<PayoutCalls.CancelPayout_result>(r => r.Ex1 is null ? new JsonObject() : null),
        ["Event.created"] = Bare<Event>(Rendering.Render),
        ["Event.status_changed.confirmed"] = Bare<Event>(Rendering.Render),
        ["Event.status_changed.cancelled"] = Bare<Event>(Rendering.Render),
        ["PartyManagement.Get.call"] = Message<PartyCalls.Get_args>(a => new JsonObject
        {
            ["user"] = new JsonObject { ["id"] = a.User!.Id, ["type"] = a.User.Type!.GetType().Name },
            ["party_id"] = a.PartyId,
        }),
        ["PartyManagement.Get.reply.success"] = Message<PartyCalls.Get_result>(r => Rendering.Render(r.Success!)),
        ["PartyManagement.Get.reply.no_payout_tool"] = Message<PartyCalls.Get_result>(r =>
            r.Success!.Shops!.Values.Single().PayoutToolId is null ? new JsonObject() : null),
        ["PartyManagement.Get.reply.PartyNotFound"] = Message<PartyCalls.Get_result>(r => Empty(r.Ex2)),
        ["PartyManagement.ComputePayoutCashFlow.call"] = Message<PartyCalls.ComputePayoutCashFlow_args>(a => Rendering.Render(a.Params!)),
        ["PartyManagement.ComputePayoutCashFlow.reply.success"] = Message<PartyCalls.ComputePayoutCashFlow_result>(r => Rendering.Render(r.Success!)),
        ["PartyManagement.ComputePayoutCashFlow.reply.PartyNotExistsYet"] = Message<PartyCalls.ComputePayoutCashFlow_result>(r => Empty(r.Ex3)),
        ["PartyManagement.ComputePayoutCashFlow.reply.ShopNotFound"] = Message<PartyCalls.ComputePayoutCashFlow_result>(r => Empty(r.Ex4)),
        ["PartyManagement.ComputePayoutCashFlow.reply.OperationNotPermitted"] = Message<PartyCalls.ComputePayoutCashFlow_result>(r => Empty(r.Ex5)),
        ["PartyManagement.ComputePayoutCashFlow.reply.PayoutToolNotFound"] = Message<PartyCalls.ComputePayoutCashFlow_result>(r => Empty(r.Ex6)),
        ["Accounter.Hold.call"] = Message<AccounterCalls.Hold_args>(a => Rendering.Render(a.PlanChange!)),
        ["Accounter.Hold.reply.latest"] = Message<AccounterCalls.Hold_result>(r => Text("clock", Rendering.Render(r.Success!))),
        ["Accounter.Hold.reply.vector"] = Message<AccounterCalls.Hold_result>(r => Text("clock", Rendering.Render(r.Success!))),
        ["Accounter.Hold.reply.InvalidPostingParams"] = Message<AccounterCalls.Hold_result>(r => Rendering.Render(r.E1!)),
        ["Accounter.CommitPlan.call"] = Message<AccounterCalls.CommitPlan_args>(a => Rendering.Render(a.Plan!)),
        ["Accounter.CommitPlan.reply.InvalidRequest"] = Message<AccounterCalls.CommitPlan_result>(r => Rendering.Errors(r.E2!.Errors!)),
        ["Accounter.RollbackPlan.call"] = Message<AccounterCalls.RollbackPlan_args>(a => Rendering.Render(a.Plan!)),
        ["Accounter.GetBalanceByID.call"] = Message<AccounterCalls.GetBalanceByID_args>(a =>
            new JsonObject { ["account"] = a.Id, ["clock"] = Rendering.Render(a.Clock!) }),
        ["Accounter.GetBalanceByID.reply.success"] = Message<AccounterCalls.GetBalanceByID_result>(r => Rendering.Render(r.Success!)),
        ["Accounter.GetBalanceByID.reply.AccountNotFound"] = Message<AccounterCalls.GetBalanceByID_result>(r =>
            new JsonObject { ["account_id"] = r.E1!.AccountId }),
        ["Accounter.GetPlan.call"] = Message<AccounterCalls.GetPlan_args>(a => Text("plan", a.Id)),
        ["Accounter.GetPlan.reply.PlanNotFound"] = Message<AccounterCalls.GetPlan_result>(r => Text("plan_id", r.E1!.PlanId)),
    };

    public static TheoryData<string> Names => [.. WireVectors.Names];

    [Fact]
    public void There_are_40_vectors_and_each_is_read() =>
        Assert.Equal([.. WireVectors.Names.Order()], Readers.Keys.Order().ToArray());

    [Theory]
    [MemberData(nameof(Names))]
    public void A_vector_decodes_to_its_stated_values(string name)
    {
        var (_, value) = Readers[name](WireVectors.Bytes(name));

        Assert.Equal(WireVectors.Value(name).GetRawText().Length > 2, value is not JsonObject { Count: 0 });
        Assert.True(
            JsonNode.DeepEquals(JsonNode.Parse(WireVectors.Value(name).GetRawText()), value),
            $"{name}: expected {WireVectors.Value(name)}, decoded {value?.ToJsonString()}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_message_names_its_method_and_kind(string name)
    {
        if (name.StartsWith("Event.", StringComparison.Ordinal))
            return;
        var envelope = ThriftMessage.Open(WireVectors.Bytes(name)).Envelope;
        var parts = name.Split('.').SkipWhile(p => p is "PartyManagement" or "Accounter").ToArray();

        Assert.Equal(parts[0], envelope.Name);
        Assert.Equal(parts[1] == "call" ? TMessageType.Call : TMessageType.Reply, envelope.Type);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_vector_encodes_back_to_the_same_bytes(string name)
    {
        if (WithForeignFields.Contains(name))
            return;
        var bytes = WireVectors.Bytes(name);
        var (decoded, _) = Readers[name](bytes);

        var encoded = name.StartsWith("Event.", StringComparison.Ordinal)
            ? ThriftBinary.Serialize(decoded)
            : ThriftMessage.Serialize(ThriftMessage.Open(bytes).Envelope, decoded);

        Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(encoded));
    }

    private static Func<byte[], (TBase, JsonNode?)> Message<T>(Func<T, JsonNode?> render)
        where T : TBase, new() => bytes =>
    {
        var body = ThriftMessage.Open(bytes).ReadBody<T>();
        return (body, render(body));
    };

    private static Func<byte[], (TBase, JsonNode?)> Bare<T>(Func<T, JsonNode?> render)
        where T : TBase, new() => bytes =>
    {
        var value = ThriftBinary.Deserialize<T>(bytes);
        return (value, render(value));
    };

    /// <summary>An exception without fields, which has to be there.</summary>
    private static JsonObject? Empty(object? exception) => exception is null ? null : [];

    private static JsonObject Text(string name, string? value) => new() { [name] = value };
}
