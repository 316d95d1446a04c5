using System.Globalization;
using PayoutManager.Thrift.Accounting;
using PayoutManager.Thrift.Parties;
using PayoutManager.Thrift.Payouts;
using PayoutManager.Thrift.Serialization;
using Thrift.Protocol;
using Thrift.Protocol.Entities;
using Calls = PayoutManager.Thrift.Payouts.PayoutManagement.InternalStructs;
using LedgerCalls = PayoutManager.Thrift.Accounting.Accounter.InternalStructs;
using PartyCalls = PayoutManager.Thrift.Parties.PartyManagement.InternalStructs;

namespace PayoutManager.Bench.Floor;

/// <summary>Serves the four calls as long as nothing goes wrong.</summary>
internal sealed class Payouts(Rows rows, Peers peers, bool holdsConnections)
{
    private static readonly UserInfo User = new("admin", new UserType.internal_user(new InternalUser()));

    public async Task ServeAsync(HttpContext http)
    {
        var headers = http.Request.Headers;
        var traceId = headers["woody.trace-id"] is [{ } trace] ? trace : NewId();
        var spanId = headers["woody.span-id"] is [{ } span] ? span : NewId();
        http.Response.Headers["woody.trace-id"] = traceId;
        http.Response.Headers["woody.span-id"] = spanId;
        http.Response.Headers["woody.parent-id"] = headers["woody.parent-id"] is [{ } parent] ? parent : NewId();

        var body = new byte[http.Request.ContentLength!.Value];
        await http.Request.Body.ReadExactlyAsync(body);
        var message = ThriftMessage.Open(body);
        TBase result = message.Envelope.Name switch
        {
            "CreatePayout" => await CreateAsync(message.ReadBody<Calls.CreatePayout_args>().PayoutParams!, traceId, spanId),
            "GetPayout" => new Calls.GetPayout_result { Success = await rows.ReadAsync(message.ReadBody<Calls.GetPayout_args>().PayoutId!) },
            "ConfirmPayout" => await ConfirmAsync(message.ReadBody<Calls.ConfirmPayout_args>().PayoutId!, traceId, spanId),
            "CancelPayout" => await CancelAsync(message.ReadBody<Calls.CancelPayout_args>(), traceId, spanId),
            var other => throw new NotSupportedException(other),
        };
        var reply = ThriftMessage.Serialize(new TMessage(message.Envelope.Name, TMessageType.Reply, message.Envelope.SeqID), result);
        http.Response.ContentType = "application/x-thrift";
        http.Response.ContentLength = reply.Length;
        await http.Response.Body.WriteAsync(reply);
    }

    private async Task<TBase> CreateAsync(Thrift.Payouts.PayoutParams asked, string traceId, string spanId)
    {
        await using var held = holdsConnections ? await rows.BeginAsync() : null;
        var (partyId, shopId) = (asked.ShopParams!.PartyId, asked.ShopParams.ShopId);
        var party = await peers.PartyManagementAsync<PartyCalls.Get_result>(
            "Get", new PartyCalls.Get_args { User = User, PartyId = partyId }, traceId, spanId);
        var shop = party.Success!.Shops![shopId];
        var now = TimeProvider.System.GetUtcNow();
        var cashFlow = await peers.PartyManagementAsync<PartyCalls.ComputePayoutCashFlow_result>(
            "ComputePayoutCashFlow",
            new PartyCalls.ComputePayoutCashFlow_args
            {
                User = User,
                PartyId = partyId,
                Params = new Thrift.Parties.PayoutParams(shopId, asked.Cash, ThriftTimestamp.Format(now)) { PayoutToolId = shop.PayoutToolId },
            },
            traceId,
            spanId);
        var payout = new Payout
        {
            PayoutId = asked.PayoutId ?? Guid.CreateVersion7().ToString(),
            CreatedAt = ThriftTimestamp.Format(now),
            PartyId = partyId,
            ShopId = shopId,
            Status = new PayoutStatus.unpaid(new PayoutUnpaid()),
            CashFlow = cashFlow.Success,
            PayoutToolId = shop.PayoutToolId!,
            Amount = asked.Cash!.Amount,
            Fee = 0,
            Currency = asked.Cash.Currency,
        };
        var operation = new Rows.Operation(payout.PayoutId, "create", Rows.RequestOf(payout));
        if (!holdsConnections)
            await rows.IntendAsync(operation);
        await peers.ShumwayAsync<LedgerCalls.Hold_result>(
            "Hold", new LedgerCalls.Hold_args { PlanChange = new PostingPlanChange($"payout_{payout.PayoutId}", BatchOf(payout)) }, traceId, spanId);
        await peers.ShumwayAsync<LedgerCalls.GetBalanceByID_result>(
            "GetBalanceByID",
            new LedgerCalls.GetBalanceByID_args { Id = shop.Account!.Settlement, Clock = new Clock.latest(new LatestClock()) },
            traceId,
            spanId);
        var created = EventOf(payout, 0, new PayoutChange.created(new PayoutCreated(payout)), now);
        if (held is null)
            await rows.CreateAsync(operation, payout, now, created);
        else
            await held.CreateAsync(operation, payout, now, created);
        return new Calls.CreatePayout_result { Success = payout };
    }

    private async Task<TBase> ConfirmAsync(string payoutId, string traceId, string spanId)
    {
        await ChangeAsync(payoutId, "confirm", "{}", new PayoutStatus.confirmed(new PayoutConfirmed()), "CONFIRMED", null, async plan =>
            await peers.ShumwayAsync<LedgerCalls.CommitPlan_result>("CommitPlan", new LedgerCalls.CommitPlan_args { Plan = plan }, traceId, spanId));
        return new Calls.ConfirmPayout_result();
    }

    private async Task<TBase> CancelAsync(Calls.CancelPayout_args args, string traceId, string spanId)
    {
        await ChangeAsync(
            args.PayoutId!,
            "cancel",
            $$"""{"details":"{{args.Details}}"}""",
            new PayoutStatus.cancelled(new PayoutCancelled(args.Details!)),
            "CANCELLED",
            args.Details,
            async plan => await peers.ShumwayAsync<LedgerCalls.RollbackPlan_result>(
                "RollbackPlan", new LedgerCalls.RollbackPlan_args { Plan = plan }, traceId, spanId));
        return new Calls.CancelPayout_result();
    }

    private async Task ChangeAsync(
        string payoutId, string kind, string request, PayoutStatus status, string label, string? details, Func<PostingPlan, Task> act)
    {
        var payout = await rows.ReadAsync(payoutId);
        var operation = new Rows.Operation(payoutId, kind, request);
        await rows.IntendAsync(operation);
        await act(new PostingPlan($"payout_{payoutId}", [BatchOf(payout)]));
        payout.Status = status;
        var now = TimeProvider.System.GetUtcNow();
        await rows.ChangeAsync(
            operation, label, details, now, EventOf(payout, 1, new PayoutChange.status_changed(new PayoutStatusChanged(status)), now));
    }

    private static byte[] EventOf(Payout payout, int sequenceId, PayoutChange change, DateTimeOffset now) => ThriftBinary.Serialize(new Event
    {
        PayoutId = payout.PayoutId,
        SequenceId = sequenceId,
        CreatedAt = ThriftTimestamp.Format(now),
        PayoutChange = change,
        Payout = payout,
    });

    private static PostingBatch BatchOf(Payout payout)
    {
        var absent = $"PAYOUT-{payout.PayoutId}";
        return new PostingBatch(1,
        [
            .. payout.CashFlow!.Select(p => new Posting(
                p.Source!.AccountId, p.Destination!.AccountId, p.Volume!.Amount, p.Volume.Currency!.SymbolicCode, p.Details ?? absent)),
        ]);
    }

    public static string NewId() => Random.Shared.NextInt64().ToString("x16", CultureInfo.InvariantCulture);
}
