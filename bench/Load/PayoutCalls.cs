using PayoutManager.Sandbox.Parties;
using PayoutManager.Thrift.Domain;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;

namespace PayoutManager.Bench.Load;

/// <summary>Calls as bytes, made before anything is measured.</summary>
internal static class PayoutCalls
{
    private static int _ids;

    /// <summary>Payout ids that nobody has used.</summary>
    public static string[] NewIds(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => $"bench-{Environment.ProcessId}-{Interlocked.Increment(ref _ids)}")];

    /// <summary>A create of a payout of one of many shops.</summary>
    public static byte[] Create(string payoutId)
    {
        var shop = Random.Shared.Next(PartyBook.LoadParties * PartyBook.LoadShops);
        return Message("CreatePayout", new Calls.CreatePayout_args
        {
            PayoutParams = new PayoutParams(
                new ShopParams($"party-load-{(shop / PartyBook.LoadShops) + 1}", $"shop-load-{(shop % PartyBook.LoadShops) + 1}"),
                new Cash(100_000, new CurrencyRef("RUB")))
            {
                PayoutId = payoutId,
            },
        });
    }

    /// <summary>A create of a payout that nobody has asked for.</summary>
    public static byte[] Create() => Create(NewIds(1)[0]);

    public static byte[] Get(string payoutId) => Message("GetPayout", new Calls.GetPayout_args { PayoutId = payoutId });

    public static byte[] Confirm(string payoutId) => Message("ConfirmPayout", new Calls.ConfirmPayout_args { PayoutId = payoutId });

    public static byte[] Cancel(string payoutId) =>
        Message("CancelPayout", new Calls.CancelPayout_args { PayoutId = payoutId, Details = "measured" });

    private static byte[] Message(string method, TBase args) => ThriftMessage.Serialize(new TMessage(method, TMessageType.Call, 1), args);
}
