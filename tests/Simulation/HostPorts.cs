using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Ledger;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;
using PayoutManager.Testing.InMemory;

namespace PayoutManager.Simulation;

/// <summary>The ports of one host: the shared world at the far end of its wire.</summary>
internal sealed class HostPorts(World world, Wire wire, Actor host) :
    IPayoutStore, IOperationStore, IEventOutbox, ILedger, IPartyManagement, IEventPublisher
{
    private static readonly CancellationToken None = CancellationToken.None;

    public async Task<Payout?> FindAsync(PayoutId id, CancellationToken cancellationToken)
    {
        var payout = await wire.ExecuteAsync($"read {id}", writes: false, () => world.Store.FindAsync(id, None).Result, cancellationToken);
        // What was read grows old while the host sleeps, or while it is on its way.
        wire.Doze();
        await wire.StallAsync($"read {id}", cancellationToken);
        return payout;
    }

    public Task<string?> FindRequestDigestAsync(PayoutId id, CancellationToken cancellationToken) =>
        wire.ExecuteAsync($"read digest of {id}", writes: false, () => world.Store.FindRequestDigestAsync(id, None).Result, cancellationToken);

    public Task<Intended> IntendAsync(
        PayoutId payoutId, OperationIntent intent, int? expectedSequenceId, string owner, Application.Operations.Actor? actor, TimeSpan lease, CancellationToken cancellationToken) =>
        wire.ExecuteAsync(
            $"intend {intent.GetType().Name} {payoutId}",
            writes: true,
            () => world.Store.IntendAsync(payoutId, intent, expectedSequenceId, owner, actor, lease, None).Result,
            cancellationToken);

    public Task<Operation?> TakeOverAsync(
        PayoutId payoutId, string owner, TimeSpan lease, bool ignorePause, CancellationToken cancellationToken) => wire.ExecuteAsync(
        $"take over {payoutId}",
        writes: true,
        () => world.Store.TakeOverAsync(payoutId, owner, lease, ignorePause, None).Result,
        cancellationToken);

    public Task<bool> RenewAsync(Operation operation, TimeSpan lease, CancellationToken cancellationToken) =>
        wire.ExecuteAsync($"renew {operation.PayoutId}", writes: true, () => world.Store.RenewAsync(operation, lease, None).Result, cancellationToken);

    public Task<bool> ReleaseAsync(Operation operation, FailedTry? failure, CancellationToken cancellationToken) => wire.ExecuteAsync(
        $"release {operation.PayoutId}", writes: true, () => world.Store.ReleaseAsync(operation, failure, None).Result, cancellationToken);

    public Task<Operation?> AdvanceAsync(Operation operation, OperationIntent intent, CancellationToken cancellationToken) =>
        wire.ExecuteAsync($"advance {operation.PayoutId}", writes: true, () => world.Store.AdvanceAsync(operation, intent, None).Result, cancellationToken);

    public Task<bool> ApplyAsync(Operation operation, PayoutEvent change, CancellationToken cancellationToken) => wire.ExecuteAsync(
        $"apply {operation.PayoutId} {change.Payout.Status}",
        writes: true,
        () =>
        {
            var applied = world.Store.ApplyAsync(operation, change, None).Result;
            world.CheckNow();
            return applied;
        },
        cancellationToken);

    public Task<bool> AbandonAsync(Operation operation, AttemptNote note, CancellationToken cancellationToken) => wire.ExecuteAsync(
        $"abandon {operation.PayoutId}, {note.SpentAttempts} spent{(note.NextWasRefused ? ", the next refused" : "")}",
        writes: true,
        () => world.Store.AbandonAsync(operation, note, None).Result,
        cancellationToken);

    public Task<DuePage> ListDueAsync(DuePosition? after, bool ignorePauses, int limit, CancellationToken cancellationToken) =>
        wire.ExecuteAsync("list due", writes: false, () => world.Store.ListDueAsync(after, ignorePauses, limit, None).Result, cancellationToken);

    public Task<LaneBook> ReadLanesAsync(CancellationToken cancellationToken) =>
        wire.ExecuteAsync("read lanes", writes: false, () => world.Store.ReadLanesAsync(None).Result, cancellationToken);

    public Task<IReadOnlyList<int>> LeaseLanesAsync(
        string owner, IReadOnlyCollection<int> lanes, TimeSpan lease, CancellationToken cancellationToken) => wire.ExecuteAsync(
        $"lease lanes {string.Join(", ", lanes)}",
        writes: true,
        () => world.Store.LeaseLanesAsync(owner, lanes, lease, None).Result,
        cancellationToken);

    public Task ReleaseLanesAsync(string owner, IReadOnlyCollection<int> lanes, CancellationToken cancellationToken) => wire.ExecuteAsync(
        $"release lanes {string.Join(", ", lanes)}",
        writes: true,
        () =>
        {
            world.Store.ReleaseLanesAsync(owner, lanes, None).Wait(None);
            return true;
        },
        cancellationToken);

    public Task LeaveAsync(string owner, CancellationToken cancellationToken) => wire.ExecuteAsync(
        "leave lanes",
        writes: true,
        () =>
        {
            world.Store.LeaveAsync(owner, None).Wait(None);
            return true;
        },
        cancellationToken);

    public Task<OutboxPage> ReadAsync(OutboxQuery query, CancellationToken cancellationToken) =>
        wire.ExecuteAsync("read events", writes: false, () => world.Store.ReadAsync(query, None).Result, cancellationToken);

    public Task AcknowledgeAsync(IReadOnlyCollection<OutboxEvent> events, CancellationToken cancellationToken) => wire.ExecuteAsync(
        $"acknowledge {string.Join(", ", events.Select(e => $"{e.PayoutId} {e.SequenceId}"))}",
        writes: true,
        () =>
        {
            world.Store.AcknowledgeAsync(events, None).Wait(None);
            return true;
        },
        cancellationToken);

    public async Task<LedgerClock> HoldAsync(LedgerPlan plan, CancellationToken cancellationToken)
    {
        await MoveAsync("hold", plan, () => world.Hold(plan), cancellationToken);
        return new LedgerClock(null);
    }

    public Task CommitAsync(LedgerPlan plan, CancellationToken cancellationToken) =>
        MoveAsync("commit", plan, () => world.Ledger.Finish(plan, PlanState.Committed), cancellationToken);

    public Task RollbackAsync(LedgerPlan plan, CancellationToken cancellationToken) =>
        MoveAsync("roll back", plan, () => world.Ledger.Finish(plan, PlanState.RolledBack), cancellationToken);

    public Task<long> GetMinAvailableAmountAsync(long accountId, LedgerClock clock, CancellationToken cancellationToken) =>
        wire.CallAsync($"balance of {accountId}", () => world.Ledger.MinAvailable(accountId), cancellationToken);

    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await wire.CallAsync("does the ledger answer", () => true, cancellationToken);
        }
        catch (Exception)
        {
            return false;
        }
    }

    public async Task<Party?> FindPartyAsync(PartyId id, CancellationToken cancellationToken)
    {
        await wire.AskAsync("read party", cancellationToken);
        return await world.Parties.FindPartyAsync(id, cancellationToken);
    }

    public async Task<CashFlow> ComputeCashFlowAsync(
        PartyId partyId, ShopId shopId, Cash cash, PayoutToolId payoutToolId, DateTimeOffset timestamp, CancellationToken cancellationToken)
    {
        await wire.AskAsync("compute cash flow", cancellationToken);
        return await world.Parties.ComputeCashFlowAsync(partyId, shopId, cash, payoutToolId, timestamp, cancellationToken);
    }

    public IEventSession Open() => new Session(world, host);

    private async Task MoveAsync(string what, LedgerPlan plan, Func<LedgerReply> effect, CancellationToken cancellationToken)
    {
        var call = $"{what} {plan.Id}";
        if (world.Cursed.Any(id => World.IsPlanOf(id, plan)))
            await FailAsync(call, effect, cancellationToken);
        var reply = await wire.CallAsync(call, () => world.RefusesForOnce(call) ? LedgerReply.Refused : effect(), cancellationToken);
        if (reply == LedgerReply.Failed)
            throw new OutcomeUnknownException($"{call}: HTTP 500") { PeerFailed = true };
        if (reply == LedgerReply.Refused)
            throw new LedgerRefusedException(plan.Id, "HTTP 400");
    }

    /// <summary>What the ledger makes of a plan that is cursed: an error, perhaps after it was done, or no answer at all.</summary>
    private async Task FailAsync(string call, Func<LedgerReply> effect, CancellationToken cancellationToken)
    {
        if (world.Random.Next(4) == 0)
            effect();
        if (world.Random.Next(2) == 0)
        {
            world.Note(host.Name, $"{call}: always fails");
            throw new OutcomeUnknownException($"{call}: HTTP 500") { PeerFailed = true };
        }

        world.Note(host.Name, $"{call}: is never answered");
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, world.Scheduler.Clock, cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            throw new OutcomeUnknownException($"{call}: no answer", e);
        }
    }

    /// <summary>A line to the broker: what is on its way when the line is closed may or may not arrive.</summary>
    private sealed class Session(World world, Actor host) : IEventSession
    {
        private bool _closed;

        public bool IsBroken { get; private set; }

        public async Task SendAsync(OutboxEvent outboxEvent)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(world.Random.Next(200)), world.Scheduler.Clock);
            ObjectDisposedException.ThrowIf(_closed, this);
            var fault = world.Random.Next(100) < world.FaultPercent ? world.Random.Next(3) : -1;
            if (fault == 0)
                IsBroken = true;
            if (fault is 0 or 1)
                throw new IOException("not sent");
            world.Tell(outboxEvent);
            world.Note(host.Name, $"told {outboxEvent.PayoutId} {outboxEvent.SequenceId}");
            if (fault == 2)
                throw new IOException("sent, acknowledgement lost");
        }

        public void Dispose() => _closed = true;
    }
}
