using PayoutManager.Infrastructure.Contracts;
using PayoutManager.Sandbox.Ledger;
using PayoutManager.Thrift.Domain;
using PayoutManager.Thrift.Payouts;
using Thrift;
using Thrift.Protocol;
using Thrift.Transport.Client;

namespace PayoutManager.Host.Demo;

/// <summary>
/// A payout's whole way, told as it happens: through the real endpoint over HTTP, with everything else embedded.
/// </summary>
internal sealed class DemoStory(PayoutHost host, PayoutManagement.Client client, Narrator tell)
{
    private const string Party = "party-1";
    private const string Shop = "shop-1";
    private const string PoorShop = "shop-poor";
    private const long ShopAccount = 10;
    private const long Price = 100_000;

    /// <returns>0 if all was as it must be, otherwise 1.</returns>
    public static async Task<int> RunAsync(TextWriter output)
    {
        await using var host = await PayoutHost.StartAsync([], Environments.Development, OnFreePorts);
        using var http = new THttpTransport(host.ThriftUrl, new TConfiguration());
        using var client = new PayoutManagement.Client(new TBinaryProtocol(http));
        var tell = new Narrator(output);
        await new DemoStory(host, client, tell).TellAsync();
        return tell.Conclude();
    }

    private static void OnFreePorts(WebApplicationBuilder builder)
    {
        builder.Configuration["Kestrel:Endpoints:Thrift:Url"] = "http://127.0.0.1:0";
        builder.Configuration["Kestrel:Endpoints:Management:Url"] = "http://127.0.0.1:0";
        builder.Logging.ClearProviders();
    }

    private async Task TellAsync()
    {
        tell.Title("The cast");
        tell.Line($"the service                {host.ThriftUrl}");
        tell.Line($"PartyManagement, Shumway   {host.Sandbox!.Url} (the sandbox)");
        tell.Line($"the Kafka broker           {host.Kafka.BootstrapServers}, topic {host.Kafka.Topic}");
        var before = OwnAmount();
        tell.Line($"{Shop} has {Money(before)} on its settlement account {ShopAccount}.");

        var payout = await CreateAsync(before);
        await GetAsync(payout);
        await ConfirmAsync(payout, before);
        await CancelAsync(payout, before);
        await RefuseInsufficientFundsAsync();
        await RefuseDuplicateAsync(payout);
        ReadEvents(payout);
    }

    private async Task<Payout> CreateAsync(long before)
    {
        tell.Title($"A payout of {Money(Price)} is created");
        var payout = await client.CreatePayout(Params(Shop, Price, $"demo-{Guid.CreateVersion7():N}"));
        tell.Line($"payout {payout.PayoutId}");
        tell.Line($"the merchant receives {Money(payout.Amount)} and pays {Money(payout.Fee)} for it. The postings:");
        foreach (var posting in payout.CashFlow!.Select(CashFlowContract.FromWire))
            tell.Line($"  {posting.Kind,-15} {posting.Source,-24} -> {posting.Destination,-24} {Money(posting.Volume.Amount),12}");
        tell.Expect(payout.Status is PayoutStatus.unpaid, "the payout is unpaid");
        tell.Expect(payout.Amount == 97_500 && payout.Fee == 2_800, "amount and fee are read off the postings");
        ExpectPlan($"payout_{payout.PayoutId}", PlanState.Held);
        tell.Expect(
            Account().MinAvailableAmount == before - 100_300 && OwnAmount() == before,
            $"{Money(100_300)} of the account are held, none has left");
        return payout;
    }

    private async Task GetAsync(Payout payout)
    {
        tell.Title("It is asked for");
        tell.Expect(payout.Equals(await client.GetPayout(payout.PayoutId)), "GetPayout answers what CreatePayout answered");
    }

    private async Task ConfirmAsync(Payout payout, long before)
    {
        tell.Title("It is confirmed");
        await client.ConfirmPayout(payout.PayoutId);
        tell.Expect((await client.GetPayout(payout.PayoutId)).Status is PayoutStatus.confirmed, "the payout is confirmed");
        ExpectPlan($"payout_{payout.PayoutId}", PlanState.Committed);
        tell.Expect(OwnAmount() == before - 100_300, $"{Money(100_300)} have left the account");
    }

    private async Task CancelAsync(Payout payout, long before)
    {
        tell.Title("The bank sends it back: it is cancelled");
        await client.CancelPayout(payout.PayoutId, "the bank sent it back");
        var status = (await client.GetPayout(payout.PayoutId)).Status;
        tell.Expect(status is PayoutStatus.cancelled, $"the payout is cancelled: {status?.As_cancelled?.Details}");
        ExpectPlan($"revert_payout_{payout.PayoutId}", PlanState.Committed);
        tell.Expect(OwnAmount() == before, "the money is back on the account");
    }

    private async Task RefuseInsufficientFundsAsync()
    {
        tell.Title($"{PoorShop} wants more than it has");
        var id = $"demo-{Guid.CreateVersion7():N}";
        await ExpectRefusalAsync<InsufficientFunds>(() => client.CreatePayout(Params(PoorShop, 500_000, id)));
        ExpectPlan($"payout_{id}", PlanState.RolledBack);
        await ExpectRefusalAsync<NotFound>(() => client.GetPayout(id));
        var payout = await client.CreatePayout(Params(PoorShop, 50_000, id));
        tell.Expect(payout.Amount == 47_500, "the same id can be used for what the shop can afford");
        ExpectPlan($"payout#2_{id}", PlanState.Held);
    }

    private async Task RefuseDuplicateAsync(Payout payout)
    {
        tell.Title("The first payout's id is used again");
        await ExpectRefusalAsync<PayoutAlreadyExists>(() => client.CreatePayout(Params(Shop, Price, payout.PayoutId)));
    }

    private void ReadEvents(Payout payout)
    {
        tell.Title("What the topic tells");
        var events = TopicReader.Read(host.Kafka, payout.PayoutId, count: 3);
        foreach (var (told, partition, offset) in events)
        {
            tell.Line($"partition {partition}, offset {offset}: event {told.SequenceId}, " + told.PayoutChange switch
            {
                PayoutChange.created => "created",
                PayoutChange.status_changed change => $"status changed to {change.As_status_changed!.Status!.GetType().Name}",
                _ => "unknown",
            });
        }

        tell.Expect(events.Select(e => e.Event.SequenceId).SequenceEqual([0, 1, 2]), "every change is told, in order, without a gap");
        tell.Expect(events.Select(e => e.Partition).Distinct().Count() == 1, "all in one partition");
        tell.Expect(
            events.Count > 0 && events[^1].Event.Payout!.Status is PayoutStatus.cancelled,
            "the last one shows the payout as it is now");
    }

    private async Task ExpectRefusalAsync<TRefusal>(Func<Task> call)
        where TRefusal : TException
    {
        try
        {
            await call();
            tell.Expect(false, $"the service refuses: {typeof(TRefusal).Name}");
        }
        catch (TRefusal)
        {
            tell.Expect(true, $"the service refuses: {typeof(TRefusal).Name}");
        }
    }

    private void ExpectPlan(string id, PlanState state) => tell.Expect(
        host.Sandbox!.Accounter.ListPlans(id).Any(plan => plan.Id == id && plan.State == state),
        $"the ledger's plan {id} is {state}");

    private AccountView Account() => host.Sandbox!.Accounter.ListAccounts().Single(a => a.Id == ShopAccount);

    private long OwnAmount() => Account().OwnAmount;

    private static PayoutParams Params(string shop, long amount, string id) =>
        new(new ShopParams(Party, shop), new Cash(amount, new CurrencyRef("RUB"))) { PayoutId = id };

    private static string Money(long minorUnits) => FormattableString.Invariant($"{minorUnits / 100m:N2} RUB");
}
