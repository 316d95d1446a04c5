using Microsoft.Extensions.DependencyInjection;
using PayoutManager.Application.Audit;
using PayoutManager.Application.Events;
using PayoutManager.Application.Operations;
using PayoutManager.Application.Outcomes;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.CashFlows;
using PayoutManager.Domain.Money;
using PayoutManager.Domain.Parties;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Contracts;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing;
using PayoutManager.Thrift.Serialization;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>What every database has to do the same way.</summary>
public abstract partial class StoreTests : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly DateTimeOffset Instant = Testing.Payouts.Unpaid("p").CreatedAt;

    // What every database's clock can show.
    private static readonly DateTimeOffset Second = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private ServiceProvider _services = null!;

    protected IServiceProvider Services => _services;

    private IPayoutStore Payouts => _services.GetRequiredService<IPayoutStore>();

    private IOperationStore Operations => _services.GetRequiredService<IOperationStore>();

    private IBacklog Backlog => _services.GetRequiredService<IBacklog>();

    private IPayoutHistory History => _services.GetRequiredService<IPayoutHistory>();

    private IAuditProgress Progress => _services.GetRequiredService<IAuditProgress>();

    private IAuditFindings Findings => _services.GetRequiredService<IAuditFindings>();

    private IEventOutbox Outbox => _services.GetRequiredService<IEventOutbox>();

    public async Task InitializeAsync()
    {
        _services = new ServiceCollection().AddStorage(await CreateDatabaseAsync()).BuildServiceProvider();
        await _services.GetRequiredService<DatabaseMigrator>().MigrateAsync(None);
    }

    public virtual async Task DisposeAsync() => await _services.DisposeAsync();

    protected abstract Task<StorageOptions> CreateDatabaseAsync();

    /// <summary>Runs a statement past the store.</summary>
    protected abstract Task ExecuteAsync(string sql);

    /// <summary>Asks past the store for the first column, a text, of each row.</summary>
    protected abstract Task<IReadOnlyList<string>> QueryAsync(string sql);

    [Fact]
    public async Task Migrating_again_changes_nothing()
    {
        var migrator = _services.GetRequiredService<DatabaseMigrator>();

        await migrator.MigrateAsync(None);

        Assert.Empty(await migrator.GetPendingAsync(None));
    }

    [Fact]
    public async Task A_payout_is_read_as_it_was_applied()
    {
        var payout = await CreateAsync("p1");

        Assert.Equal(payout, await Payouts.FindAsync(payout.Id, None));
        Assert.Null(await Payouts.FindAsync(new PayoutId("P1"), None));
    }

    [Fact]
    public async Task Every_account_type_and_extreme_amount_is_kept()
    {
        var types = Enum.GetValues<AccountType>();
        var rub = Testing.Payouts.Rub;
        var cashFlow = new CashFlow(
        [
            .. Testing.Payouts.CashFlow,
            .. types.Select((type, i) => new CashFlowPosting(
                new CashFlowAccount(type, long.MinValue), new CashFlowAccount(types[^(i + 1)], long.MaxValue), new Cash(0, rub), $"'; -- {type} ☂")),
        ]);
        var payout = Payout.Restore(
            new PayoutId("it's 100 % \"ok\" \\ 😀"),
            0,
            DateTimeOffset.UnixEpoch.AddTicks(10),
            new PartyId("p"),
            new ShopId("s"),
            new PayoutToolId("t"),
            cashFlow,
            new Cash(long.MaxValue, rub),
            new Cash(long.MinValue, rub),
            PayoutStatus.Unpaid);
        var operation = await StartAsync(payout.Id.Value);

        Assert.True(await Operations.ApplyAsync(operation, new PayoutCreated(payout, payout.CreatedAt), None));

        Assert.Equal(payout, await Payouts.FindAsync(payout.Id, None));
    }

    [Theory]
    [InlineData("confirm")]
    [InlineData("cancel")]
    public async Task A_status_change_is_applied_with_its_event(string verb)
    {
        var payout = await CreateAsync("p1");
        OperationIntent intent = verb == "confirm" ? new ConfirmIntent() : new CancelIntent("почему\n");
        var changed = verb == "confirm" ? payout.Confirm() : payout.Cancel("почему\n");
        var operation = await StartAsync("p1", intent, 0);

        Assert.True(await Operations.ApplyAsync(operation, PayoutEvent.OfLatestChange(changed, payout.CreatedAt), None));

        Assert.Equal(changed, await Payouts.FindAsync(payout.Id, None));
    }

    [Fact]
    public async Task A_change_of_what_has_changed_meanwhile_is_not_applied()
    {
        var payout = await CreateAsync("p1");
        var operation = await StartAsync("p1", new ConfirmIntent(), 0);
        await ExecuteAsync($"UPDATE {Table("payout")} SET sequence_id = 7");

        Assert.False(await Operations.ApplyAsync(operation, PayoutEvent.OfLatestChange(payout.Confirm(), payout.CreatedAt), None));
        Assert.Single(await Outbox.ReadAllAsync());
        // The operation is as it was: nothing of the transaction is left.
        Assert.True(await Operations.RenewAsync(operation, Lease, None));
    }

    [Fact]
    public async Task A_payout_has_one_operation_at_a_time()
    {
        var first = await StartAsync("p1");

        var occupied = Assert.IsType<Intended.Occupied>(await IntendAsync("p1", Testing.Payouts.CreateIntent("p1"), null));
        Assert.Equal(first, occupied.Operation);
        Assert.False(occupied.LeaseRanOut);
        Assert.Null(await Operations.TakeOverAsync(first.PayoutId, "other", Lease, ignorePause: true, None));
        Assert.Empty(await Operations.ListDueAsync());
    }

    [Fact]
    public async Task An_operation_is_kept_with_all_it_needs()
    {
        await StartAsync("p1");
        await CreateAsync("p2");
        await StartAsync("p2", new CancelIntent("why \"so\"?"), 0);
        await CreateAsync("p3");
        await StartAsync("p3", new ConfirmIntent(), 0);
        var withTool = Testing.Payouts.CreateIntent("p4") with { IdIsOurs = true };
        withTool = withTool with { Request = withTool.Request with { PayoutToolId = new PayoutToolId("tool-2") } };
        await StartAsync("p4", withTool);

        async Task<OperationIntent> KeptAsync(string id) =>
            Assert.IsType<Intended.Occupied>(await IntendAsync(id, new ConfirmIntent(), 0)).Operation.Intent;
        Assert.Equal(Testing.Payouts.CreateIntent("p1"), await KeptAsync("p1"));
        Assert.Equal(new CancelIntent("why \"so\"?"), await KeptAsync("p2"));
        Assert.Equal(new ConfirmIntent(), await KeptAsync("p3"));
        Assert.Equal(withTool, await KeptAsync("p4"));
    }

    [Fact]
    public async Task An_intent_looks_at_the_payout_after_it_is_written_down()
    {
        await CreateAsync("p1");

        Assert.IsType<Intended.PayoutMoved>(await IntendAsync("p1", Testing.Payouts.CreateIntent("p1"), null));
        Assert.IsType<Intended.PayoutMoved>(await IntendAsync("p1", new ConfirmIntent(), 1));
        Assert.IsType<Intended.PayoutMoved>(await IntendAsync("gone", new ConfirmIntent(), 0));
        // None of them left anything behind.
        Assert.IsType<Intended.Started>(await IntendAsync("p1", new ConfirmIntent(), 0));
        Assert.IsType<Intended.Started>(await IntendAsync("gone", Testing.Payouts.CreateIntent("gone"), null));
    }

    [Fact]
    public async Task Of_many_at_once_one_starts()
    {
        var results = await Task.WhenAll(
            Enumerable.Range(0, 16).Select(_ => Task.Run(() => IntendAsync("p1", Testing.Payouts.CreateIntent("p1"), null))));

        Assert.Single(results.OfType<Intended.Started>());
        Assert.Equal(15, results.OfType<Intended.Occupied>().Count());
    }

    [Fact]
    public async Task An_operation_whose_lease_has_run_out_is_taken_over_once()
    {
        var sleeper = await StartAsync("p1");
        await Operations.ReleaseAsync(sleeper, failure: null, None);

        Assert.True(Assert.IsType<Intended.Occupied>(await IntendAsync("p1", Testing.Payouts.CreateIntent("p1"), null)).LeaseRanOut);
        Assert.Equal([sleeper.PayoutId], await Operations.ListDueAsync());
        var takers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
            Operations.TakeOverAsync(sleeper.PayoutId, $"taker {i}", Lease, ignorePause: true, None))));

        var taken = Assert.Single(takers, t => t is not null)!;
        Assert.Equal(sleeper with { Owner = taken.Owner }, taken);
        Assert.Empty(await Operations.ListDueAsync());
    }

    [Fact]
    public async Task An_operation_that_recovery_failed_to_finish_is_left_alone_by_recovery_and_by_nobody_else()
    {
        var first = await StartAsync("p1");
        await Operations.ReleaseAsync(first, new FailedTry("the ledger said 500", TimeSpan.FromHours(1)), None);

        Assert.Empty(await Operations.ListDueAsync());
        Assert.Equal([first.PayoutId], await Operations.ListDueAsync(ignorePauses: true));
        Assert.Null(await Operations.TakeOverAsync(first.PayoutId, "recovery", Lease, ignorePause: false, None));
        Assert.Equal((1, "the ledger said 500"), await TroubleAsync());

        var taken = await Operations.TakeOverAsync(first.PayoutId, "a caller", Lease, ignorePause: true, None);
        Assert.Equal(1, taken!.FailedTries);
        Assert.Equal(1, (await Backlog.ReadAsync(None)).Troubled.Count);
        await Operations.ReleaseAsync(taken, new FailedTry("the caller had no time", Pause: null), None);
        Assert.Equal((1, "the caller had no time"), await TroubleAsync());
        Assert.Empty(await Operations.ListDueAsync());

        async Task<(int Tries, string Error)> TroubleAsync()
        {
            var row = Assert.Single(await QueryAsync($"SELECT failed_tries || ' ' || last_error FROM {Table("payout_operation")}"))!;
            return (row[0] - '0', row[2..]);
        }
    }

    [Fact]
    public async Task A_pause_that_is_over_leaves_an_operation_due_and_what_follows_it_begins_without_trouble()
    {
        var first = await StartAsync("p1");
        await Operations.ReleaseAsync(first, new FailedTry("down", TimeSpan.Zero), None);
        while (await Operations.ListDueAsync() is [])
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);

        var taken = await Operations.TakeOverAsync(first.PayoutId, "recovery", Lease, ignorePause: false, None);
        Assert.Equal(1, taken!.FailedTries);
        Assert.True(await Operations.AbandonAsync(taken, new AttemptNote(1), None));
        Assert.Equal(default, (await Backlog.ReadAsync(None)).Troubled);

        await Operations.ReleaseAsync(await StartAsync("p1"), failure: null, None);
        Assert.Equal(0, (await Operations.TakeOverAsync(first.PayoutId, "recovery", Lease, ignorePause: false, None))!.FailedTries);
    }

    [Fact]
    public async Task A_sleeper_whose_operation_was_taken_over_writes_nothing()
    {
        var sleeper = await StartAsync("p1");
        await Operations.ReleaseAsync(sleeper, failure: null, None);
        var taken = await Operations.TakeOverAsync(sleeper.PayoutId, "taker", Lease, ignorePause: true, None);
        var payout = Testing.Payouts.Unpaid("p1");

        Assert.False(await Operations.RenewAsync(sleeper, Lease, None));
        Assert.Null(await Operations.AdvanceAsync(sleeper, sleeper.Intent, None));
        Assert.False(await Operations.ApplyAsync(sleeper, new PayoutCreated(payout, payout.CreatedAt), None));
        Assert.False(await Operations.AbandonAsync(sleeper, new AttemptNote(1), None));
        await Operations.ReleaseAsync(sleeper, failure: null, None);

        Assert.Null(await Payouts.FindAsync(payout.Id, None));
        Assert.Empty(await Outbox.ReadAllAsync());
        Assert.Empty(await Operations.ListDueAsync());
        Assert.True(await Operations.RenewAsync(taken!, Lease, None));
    }

    [Fact]
    public async Task Nothing_is_applied_for_an_attempt_that_is_over()
    {
        var first = await StartAsync("p1");
        var second = await Operations.AdvanceAsync(first, first.Intent, None);
        var payout = Testing.Payouts.Unpaid("p1");

        Assert.Equal(first with { Attempt = 2 }, second);
        Assert.False(await Operations.ApplyAsync(first, new PayoutCreated(payout, payout.CreatedAt), None));
        Assert.False(await Operations.AbandonAsync(first, new AttemptNote(1), None));
        Assert.True(await Operations.RenewAsync(first, Lease, None));
        Assert.True(await Operations.ApplyAsync(second!, new PayoutCreated(payout.HeldBy(2), payout.CreatedAt), None));
        Assert.Equal(2, (await Payouts.FindAsync(payout.Id, None))!.HoldAttempt);
    }

    [Fact]
    public async Task Spent_attempts_are_remembered_and_the_next_create_goes_on_from_them()
    {
        var operation = await StartAsync("p1");
        Assert.True(await Operations.AbandonAsync(operation, new AttemptNote(1), None));

        Assert.Empty(await Operations.ListDueAsync());
        Assert.Null(await Operations.TakeOverAsync(operation.PayoutId, "other", Lease, ignorePause: true, None));
        Assert.Equal(2, (await StartAsync("p1")).Attempt);
    }

    [Fact]
    public async Task A_refused_plan_is_remembered_until_its_attempt_is_over()
    {
        Assert.True(await Operations.AbandonAsync(await StartAsync("p1"), new AttemptNote(0, NextWasRefused: true), None));
        var again = await StartAsync("p1");
        Assert.Equal((1, true), (again.Attempt, again.PlanWasRefused));

        Assert.True(await Operations.AbandonAsync(again, new AttemptNote(2, NextWasRefused: true), None));
        var third = await StartAsync("p1");
        Assert.Equal((3, true), (third.Attempt, third.PlanWasRefused));

        var fourth = await Operations.AdvanceAsync(third, third.Intent, None);
        Assert.True(await Operations.AbandonAsync(fourth!, new AttemptNote(4), None));
        var fifth = await StartAsync("p1");
        Assert.Equal((5, false), (fifth.Attempt, fifth.PlanWasRefused));
    }

    [Fact]
    public async Task Spent_attempts_are_remembered_and_the_next_cancel_goes_on_from_them()
    {
        await CreateAsync("p1");
        await ConfirmAsync("p1", Instant);
        Assert.True(await Operations.AbandonAsync(await StartAsync("p1", new CancelIntent("why"), 1), new AttemptNote(2), None));

        Assert.Equal(3, (await StartAsync("p1", new CancelIntent("why"), 1)).Attempt);
    }

    [Theory]
    [InlineData("create")]
    [InlineData("confirm")]
    [InlineData("cancel")]
    public async Task A_note_of_spent_attempts_is_left_as_it_is_by_whoever_knows_the_payout_as_it_was(string verb)
    {
        await CreateAsync("p1");
        await ConfirmAsync("p1", Instant);
        Assert.True(await Operations.AbandonAsync(await StartAsync("p1", new CancelIntent("why"), 1), new AttemptNote(2), None));
        OperationIntent late = verb switch
        {
            "create" => Testing.Payouts.CreateIntent("p1"),
            "confirm" => new ConfirmIntent(),
            _ => new CancelIntent("why"),
        };

        Assert.IsType<Intended.PayoutMoved>(await IntendAsync("p1", late, verb == "create" ? null : 0));

        Assert.Equal(2, (await History.ReadAsync(new PayoutId("p1"), None)).SpentAttempts);
        Assert.Equal(3, (await StartAsync("p1", new CancelIntent("why"), 1)).Attempt);
    }

    [Fact]
    public async Task Who_asked_is_kept_with_the_operation_whoever_finishes_it_and_with_its_event()
    {
        var (created, confirmed) = (new Actor("CN=scheduler"), new Actor("оператор", "asked by \"the bank\""));
        var payout = Testing.Payouts.Unpaid("p1");
        var creation = Assert.IsType<Intended.Started>(
            await IntendAsync("p1", Testing.Payouts.CreateIntent("p1"), null, created)).Operation;
        Assert.Equal(created, creation.Actor);
        Assert.Equal(created, Assert.IsType<Intended.Occupied>(await IntendAsync("p1", new ConfirmIntent(), 0)).Operation.Actor);
        Assert.True(await Operations.ApplyAsync(creation, new PayoutCreated(payout, payout.CreatedAt), None));
        await Operations.ReleaseAsync(
            Assert.IsType<Intended.Started>(await IntendAsync("p1", new ConfirmIntent(), 0, confirmed)).Operation, failure: null, None);

        var taken = await Operations.TakeOverAsync(payout.Id, "other", Lease, ignorePause: true, None);
        Assert.Equal(confirmed, taken!.Actor);
        Assert.True(await Operations.ApplyAsync(taken, PayoutEvent.OfLatestChange(payout.Confirm(), Instant), None));
        Assert.True(await Operations.ApplyAsync(
            await StartAsync("p1", new CancelIntent("why"), 1), PayoutEvent.OfLatestChange(payout.Confirm().Cancel("why"), Instant), None));

        Assert.Equal(
            ["0 CN=scheduler -", "1 оператор asked by \"the bank\"", "2 - -"],
            await QueryAsync(
                $"SELECT sequence_id || ' ' || coalesce(actor, '-') || ' ' || coalesce(reason, '-') FROM {Table("payout_event")} ORDER BY 1"));
    }

    [Fact]
    public async Task A_note_of_spent_attempts_forgets_who_asked()
    {
        var started = Assert.IsType<Intended.Started>(
            await IntendAsync("p1", Testing.Payouts.CreateIntent("p1"), null, new Actor("somebody", "a reason"))).Operation;
        Assert.True(await Operations.AbandonAsync(started, new AttemptNote(1), None));

        Assert.Null((await StartAsync("p1")).Actor);
        Assert.Null(Assert.IsType<Intended.Occupied>(await IntendAsync("p1", new ConfirmIntent(), 0)).Operation.Actor);
    }

    [Fact]
    public async Task The_digest_of_a_payout_s_request_is_kept()
    {
        var payout = Testing.Payouts.Unpaid("p1");
        var operation = await StartAsync("p1");
        Assert.Null(await Payouts.FindRequestDigestAsync(payout.Id, None));

        Assert.True(await Operations.ApplyAsync(operation, new PayoutCreated(payout, payout.CreatedAt), None));
        await ConfirmAsync("p1", Instant);

        Assert.Equal(Testing.Payouts.CreateIntent("p1").Request.Digest(), await Payouts.FindRequestDigestAsync(payout.Id, None));
        await ExecuteAsync($"UPDATE {Table("payout")} SET request_digest = NULL");
        Assert.Null(await Payouts.FindRequestDigestAsync(payout.Id, None));
        Assert.Null(await Payouts.FindRequestDigestAsync(PayoutId.Restore("not\0storable"), None));
    }

    [Fact]
    public async Task Of_many_at_once_one_goes_on_from_spent_attempts()
    {
        Assert.True(await Operations.AbandonAsync(await StartAsync("p1"), new AttemptNote(4), None));

        var results = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Task.Run(() => IntendAsync("p1", Testing.Payouts.CreateIntent("p1"), null))));

        Assert.Equal(5, Assert.Single(results.OfType<Intended.Started>()).Operation.Attempt);
    }

    [Fact]
    public async Task A_note_of_spent_attempts_does_not_keep_a_payout_from_changing()
    {
        var operation = await StartAsync("p1");
        var payout = Testing.Payouts.Unpaid("p1");
        Assert.True(await Operations.ApplyAsync(operation, new PayoutCreated(payout, payout.CreatedAt), None));
        await ExecuteAsync($"INSERT INTO {Table("payout_operation")} (payout_id, kind, attempt) VALUES ('p1', 'spent', 3)");

        Assert.Equal(1, (await StartAsync("p1", new ConfirmIntent(), 0)).Attempt);
    }

    [Fact]
    public async Task An_operation_without_effect_can_be_forgotten()
    {
        Assert.True(await Operations.AbandonAsync(await StartAsync("p1"), new AttemptNote(0), None));
        Assert.Equal(1, (await StartAsync("p1")).Attempt);
    }

    [Fact]
    public async Task Leases_are_measured_by_the_database()
    {
        var shortLived = Assert.IsType<Intended.Started>(await Operations.IntendAsync(
            new PayoutId("p1"), Testing.Payouts.CreateIntent("p1"), null, "owner", null, TimeSpan.FromMilliseconds(1), None)).Operation;
        while (await Operations.ListDueAsync() is [])
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);

        Assert.True(await Operations.RenewAsync(shortLived, Lease, None));
        Assert.Empty(await Operations.ListDueAsync());
    }

    [Fact]
    public async Task Events_are_kept_serialised_in_order_until_they_are_published()
    {
        var payout = await CreateAsync("p1");
        await CreateAsync("p2");
        var confirmed = PayoutEvent.OfLatestChange(payout.Confirm(), payout.CreatedAt);
        await Operations.ApplyAsync(await StartAsync("p1", new ConfirmIntent(), 0), confirmed, None);

        var first = await Outbox.ReadAllAsync();
        Assert.Equal([("p1", 0), ("p2", 0)], first.Select(e => (e.PayoutId.Value, e.SequenceId)));
        Assert.Equal(
            ThriftBinary.Serialize(PayoutContract.ToWire(new PayoutCreated(payout, payout.CreatedAt))), first[0].Payload);
        Assert.Equal([("p2", 0)], (await Outbox.ReadAllAsync(PositionOf(first[0]))).Select(e => (e.PayoutId.Value, e.SequenceId)));
        Assert.Empty(await Outbox.ReadAllAsync(PositionOf(first[1])));
        Assert.Single(await Outbox.ReadAllAsync(limit: 1));

        await Outbox.AcknowledgeAsync(first, None);
        var second = await Outbox.ReadAllAsync();
        Assert.Equal([("p1", 1)], second.Select(e => (e.PayoutId.Value, e.SequenceId)));
        Assert.Equal(ThriftBinary.Serialize(PayoutContract.ToWire(confirmed)), second[0].Payload);

        await Outbox.AcknowledgeAsync(second, None);
        Assert.Empty(await Outbox.ReadAllAsync());
        Assert.Equal(["0"], await QueryAsync($"SELECT cast(count(*) AS text) FROM {Table("event_outbox")}"));
    }

    [Fact]
    public async Task Events_are_read_by_lane_and_by_payout()
    {
        var ids = Enumerable.Range(1, 30).Select(i => $"p{i}").ToList();
        foreach (var id in ids)
            await CreateAsync(id);
        await ConfirmAsync("p1", Instant);
        int[] lanes = [.. Enumerable.Range(0, EventLane.Count)];

        foreach (var lane in lanes)
        {
            Assert.Equal(
                ids.Where(id => EventLane.Of(new PayoutId(id)) == lane),
                (await Outbox.ReadAllAsync(lanes: lane)).Select(e => e.Lane == lane ? e.PayoutId.Value : "of another lane"));
        }

        var page = await Outbox.ReadAsync(
            new OutboxQuery(lanes[..8], OutboxPosition.Beginning, 3, [new PayoutId("p1"), new PayoutId("p30"), new PayoutId("none")]), None);
        Assert.Equal(
            ids.Where(id => EventLane.Of(new PayoutId(id)) < 8).Take(3), page.OfLanes.Select(e => e.PayoutId.Value));
        Assert.Equal([("p1", 0), ("p30", 0)], page.OfPayouts.Select(e => (e.PayoutId.Value, e.SequenceId)).Order());
        await Outbox.AcknowledgeAsync([page.OfPayouts.Single(e => e.PayoutId.Value == "p1")], None);
        var next = await Outbox.ReadAsync(new OutboxQuery([], OutboxPosition.Beginning, 3, [new PayoutId("p1")]), None);
        Assert.Empty(next.OfLanes);
        Assert.Equal(1, Assert.Single(next.OfPayouts).SequenceId);
    }

    [Fact]
    public async Task An_event_s_age_and_place_are_those_of_the_database_s_clock()
    {
        await CreateAsync("p1");
        await CreateAsync("p2");

        var events = await Outbox.ReadAllAsync();
        var book = await Outbox.ReadLanesAsync(None);

        Assert.InRange(events[0].Age, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Assert.InRange(events[0].StoredAt, book.Now - TimeSpan.FromMinutes(1), events[1].StoredAt);
        // From the instant of the second on, without its id.
        Assert.Equal(["p2"], (await Outbox.ReadAllAsync(new OutboxPosition(events[1].StoredAt, 0)))
            .Select(e => e.PayoutId.Value).Where(id => events[0].StoredAt < events[1].StoredAt || id == "p2"));
        Assert.Empty(await Outbox.ReadAllAsync(new OutboxPosition(book.Now + TimeSpan.FromHours(1), 0)));
    }

    [Fact]
    public async Task A_lane_has_one_host_at_a_time()
    {
        Assert.Equal([1, 2], (await Outbox.LeaseLanesAsync("a", [1, 2], Lease, None)).Order());
        Assert.Equal([1, 2], (await Outbox.LeaseLanesAsync("a", [1, 2], Lease, None)).Order());
        Assert.Equal([3], await Outbox.LeaseLanesAsync("b", [1, 2, 3], Lease, None));
        await Outbox.ReleaseLanesAsync("b", [1], None);
        Assert.Empty(await Outbox.LeaseLanesAsync("b", [1], Lease, None));

        await Outbox.ReleaseLanesAsync("a", [1], None);
        Assert.Equal([1], await Outbox.LeaseLanesAsync("b", [1, 2], TimeSpan.Zero, None));
        // Its lease has run out, and nobody else has taken it.
        Assert.Equal([1], await Outbox.LeaseLanesAsync("b", [1], TimeSpan.Zero, None));
        Assert.Equal([1], await Outbox.LeaseLanesAsync("a", [1], Lease, None));
    }

    [Fact]
    public async Task Hosts_see_who_is_there_and_who_has_which_lane()
    {
        Assert.Equal(
            Enumerable.Range(0, EventLane.Count).Select(lane => new LaneLease(lane, null, IsFree: true)),
            (await Outbox.ReadLanesAsync(None)).Lanes);
        await Outbox.LeaseLanesAsync("a", [1, 2], Lease, None);
        await Outbox.LeaseLanesAsync("b", [3], TimeSpan.Zero, None);
        await Outbox.LeaseLanesAsync("c", [], Lease, None);

        var book = await Outbox.ReadLanesAsync(None);
        Assert.Equal(["a", "c"], book.Hosts.Order());
        Assert.Equal([new(1, "a", false), new(2, "a", false), new(3, "b", true)], book.Lanes.Where(lane => lane.Owner is not null));

        await Outbox.LeaveAsync("a", None);
        book = await Outbox.ReadLanesAsync(None);
        Assert.Equal(["c"], book.Hosts);
        Assert.Equal([new(3, "b", true)], book.Lanes.Where(lane => lane.Owner is not null));
    }

    [Fact]
    public async Task A_payout_s_history_is_read_with_what_its_events_show()
    {
        var payout = await CreateAsync("p1");
        await Outbox.AcknowledgeAsync(await Outbox.ReadAllAsync(), None);
        var started = (Intended.Started)await Operations.IntendAsync(payout.Id, new ConfirmIntent(), 0, "me", null, Lease, None);
        Assert.True((await History.ReadAsync(payout.Id, None)).IsUnderWay);
        Assert.True(await Operations.ApplyAsync(started.Operation, PayoutEvent.OfLatestChange(payout.Confirm(), Instant), None));

        var history = await History.ReadAsync(payout.Id, None);

        Assert.Equal(payout.Confirm(), history.Payout);
        Assert.Equal((false, 0), (history.IsUnderWay, history.SpentAttempts));
        Assert.Equal([(0, false), (1, true)], history.Events.Select(e => (e.SequenceId, e.ShowsPayoutAsStored)));
        Assert.Equal([true, false], history.Events.Select(e => e.IsAcknowledged));
        Assert.Equal(
            PayloadDigest.Of(ThriftBinary.Serialize(PayoutContract.ToWire(PayoutEvent.OfLatestChange(payout.Confirm(), Instant)))),
            history.Events[1].Digest);
    }

    [Fact]
    public async Task The_history_of_what_does_not_exist_knows_its_spent_attempts()
    {
        var operation = await StartAsync("p1");
        Assert.True(await Operations.AbandonAsync(operation, new AttemptNote(3), None));

        var history = await History.ReadAsync(operation.PayoutId, None);

        Assert.Equal((null, false, 3, 0), (history.Payout, history.IsUnderWay, history.SpentAttempts, history.Events.Count));
    }

    [Fact]
    public async Task Histories_of_many_payouts_are_read_together()
    {
        var first = await CreateAsync("p1");
        var second = await CreateAsync("p2");
        await ConfirmAsync("p2", Instant);
        var started = await StartAsync("p3");
        PayoutId[] ids = [second.Id, new("nobody"), first.Id, started.PayoutId];

        var histories = await History.ReadAsync(ids, None);

        Assert.Equal(ids.Select(id => id.Value).Order(), histories.Keys.Select(id => id.Value).Order());
        Assert.Equal((first, 1, false), (histories[first.Id].Payout, histories[first.Id].Events.Count, histories[first.Id].IsUnderWay));
        Assert.Equal(second.Confirm(), histories[second.Id].Payout);
        Assert.Equal([0, 1], histories[second.Id].Events.Select(e => e.SequenceId));
        Assert.Equal((null, true), (histories[started.PayoutId].Payout, histories[started.PayoutId].IsUnderWay));
        Assert.Equal((null, false, 0), (histories[ids[1]].Payout, histories[ids[1]].IsUnderWay, histories[ids[1]].Events.Count));
    }

    [Fact]
    public async Task Changes_are_listed_in_the_order_in_which_they_were_stored_page_by_page()
    {
        foreach (var id in (string[])["p1", "p2", "p3", "p4"])
            await CreateAsync(id);
        // Its host's clock is far behind.
        await ConfirmAsync("p2", Instant.AddYears(-1));

        var first = await ListAsync(AuditPosition.Beginning, limit: 2);
        var second = await ListAsync(PositionOf(first[^1]), limit: 10);

        Assert.Equal([("p1", 0), ("p2", 0)], first.Select(c => (c.PayoutId.Value, c.SequenceId)));
        Assert.Equal([("p3", 0), ("p4", 0), ("p2", 1)], second.Select(c => (c.PayoutId.Value, c.SequenceId)));
        Assert.Empty(await ListAsync(PositionOf(second[^1]), limit: 10));
        Assert.Equal(
            (await History.ReadAsync(new PayoutId("p2"), None)).Events.Select(e => e.StoredAt), [first[1].StoredAt, second[^1].StoredAt]);
    }

    [Fact]
    public async Task Changes_of_the_same_instant_are_all_listed()
    {
        for (var i = 1; i <= 5; i++)
            await CreateAsync($"p{i}");
        await ExecuteAsync($"UPDATE {Table("payout_event")} SET stored_at = '2026-01-02 03:04:05.100'");
        var listed = new List<PayoutChange>();

        while (await ListAsync(listed is [.., var last] ? PositionOf(last) : AuditPosition.Beginning, limit: 2) is { Count: > 0 } page)
            listed.AddRange(page);

        Assert.Equal(["p1", "p2", "p3", "p4", "p5"], listed.Select(c => c.PayoutId.Value).Order());
        Assert.Equal(listed.Select(c => c.EventId).Order(), listed.Select(c => c.EventId));
    }

    [Fact]
    public async Task Changes_are_listed_once_they_are_old_enough()
    {
        await CreateAsync("p1");
        await CreateAsync("p2");
        await ExecuteAsync($"UPDATE {Table("payout_event")} SET stored_at = '2026-01-02 03:04:05' WHERE payout_id = 'p1'");

        var page = await History.ListChangesAsync(AuditPosition.Beginning, TimeSpan.FromMinutes(2), 10, None);

        Assert.Equal(["p1"], page.Changes.Select(c => c.PayoutId.Value));
        Assert.InRange((await History.ReadAsync(new PayoutId("p2"), None)).Events[0].StoredAt - page.Horizon, TimeSpan.FromSeconds(60), TimeSpan.FromMinutes(2));
        Assert.Equal(["p2"], (await ListAsync(AuditPosition.At(page.Horizon), limit: 10)).Select(c => c.PayoutId.Value));
    }

    [Fact]
    public async Task Payouts_without_events_are_found_among_all()
    {
        for (var i = 1; i <= 5; i++)
            await CreateAsync($"p{i}");
        await ExecuteAsync($"DELETE FROM {Table("payout_event")} WHERE payout_id IN ('p1', 'p2', 'p5')");

        var first = await History.ListWithoutEventsAsync("", 3, None);
        var second = await History.ListWithoutEventsAsync(first.Last!, 3, None);

        Assert.Equal("p1, p2 up to p3", $"{string.Join(", ", first.WithoutEvents)} up to {first.Last}");
        Assert.Equal("p5 up to p5", $"{string.Join(", ", second.WithoutEvents)} up to {second.Last}");
        Assert.Null((await History.ListWithoutEventsAsync("p5", 3, None)).Last);
    }

    [Fact]
    public async Task An_audit_is_one_host_s_at_a_time_and_stands_where_its_host_has_come()
    {
        var (begin, middle) = ((await Progress.ReadAsync(AuditScope.Changes, None)).Position, new AuditPosition(Second, 7));

        Assert.Equal(begin, await Progress.LeaseAsync(AuditScope.Changes, "a", Lease, None));
        Assert.False((await Progress.ReadAsync(AuditScope.Changes, None)).IsFree);
        Assert.Null(await Progress.LeaseAsync(AuditScope.Changes, "b", Lease, None));
        Assert.False(await Progress.AdvanceAsync(AuditScope.Changes, "b", begin, middle, None));
        Assert.True(await Progress.AdvanceAsync(AuditScope.Changes, "a", begin, middle, None));
        // It believes to be where it was before.
        Assert.False(await Progress.AdvanceAsync(AuditScope.Changes, "a", begin, middle, None));
        await Progress.ReleaseAsync(AuditScope.Changes, "b", None);
        Assert.Null(await Progress.LeaseAsync(AuditScope.Changes, "b", Lease, None));

        // Its lease runs out: another goes on from there, and it goes no further.
        Assert.Equal(middle, await Progress.LeaseAsync(AuditScope.Changes, "a", TimeSpan.Zero, None));
        await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        Assert.True((await Progress.ReadAsync(AuditScope.Changes, None)).IsFree);
        Assert.Equal(middle, await Progress.LeaseAsync(AuditScope.Changes, "b", Lease, None));
        Assert.False(await Progress.AdvanceAsync(AuditScope.Changes, "a", middle, middle with { EventId = 8 }, None));
        await Progress.ReleaseAsync(AuditScope.Changes, "b", None);
        var state = await Progress.ReadAsync(AuditScope.Changes, None);
        Assert.Equal((middle, true), (state.Position, state.IsFree));
        Assert.InRange(state.Now - TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(-1), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task An_audit_of_all_payouts_has_a_place_of_its_own()
    {
        var others = (await Progress.ReadAsync(AuditScope.Changes, None)).Position;
        Assert.Equal(AuditPosition.Beginning, await Progress.LeaseAsync(AuditScope.All, "a", Lease, None));
        Assert.NotNull(await Progress.LeaseAsync(AuditScope.Changes, "b", Lease, None));
        var from = AuditPosition.Beginning;
        foreach (var to in (AuditPosition[])[new(Second.AddMilliseconds(100), 7), new(Second, 8, ""), new(Second, 8, "it's p1"), AuditPosition.Beginning])
        {
            Assert.True(await Progress.AdvanceAsync(AuditScope.All, "a", from, to, None));
            Assert.Equal(to, (await Progress.ReadAsync(AuditScope.All, None)).Position);
            from = to;
        }

        Assert.Equal(others, (await Progress.ReadAsync(AuditScope.Changes, None)).Position);
    }

    [Fact]
    public async Task What_was_found_is_kept_until_it_is_removed()
    {
        var (later, found) = (Instant.AddMinutes(1), new NewAuditFinding(new PayoutId("p1"), "PlanMissing", "It is \0 gone \ud800", true, Instant));

        Assert.True(await Findings.StoreAsync(found, None));
        Assert.False(await Findings.StoreAsync(found with { Since = later, Description = "still" }, None));
        Assert.True(await Findings.StoreAsync(new NewAuditFinding(new PayoutId("p2"), "UnderWay", "not compared", false, later), None));
        Assert.Equal(new AuditFindingCounts(1, 1), await Findings.CountAsync(None));
        var kept = await Findings.ListAsync(DateTimeOffset.MaxValue, "", 10, None);
        Assert.Equal(
            [found with { Description = "still" }, new NewAuditFinding(new PayoutId("p2"), "UnderWay", "not compared", false, later)],
            kept.Select(f => f.Finding));
        Assert.All(kept, f => Assert.InRange(f.LastSeenAt - f.FirstSeenAt, TimeSpan.Zero, TimeSpan.FromMinutes(1)));

        Assert.Equal(["p2"], (await Findings.ListAsync(DateTimeOffset.MaxValue, "p1", 10, None)).Select(f => f.Finding.PayoutId.Value));
        Assert.Equal(["p1"], (await Findings.ListAsync(DateTimeOffset.MaxValue, "", 1, None)).Select(f => f.Finding.PayoutId.Value));
        Assert.Empty(await Findings.ListAsync(kept[0].FirstSeenAt, "", 10, None));
        // Something else is news.
        Assert.True(await Findings.StoreAsync(found with { Kind = "PlanDiffers", Description = "It is \0 gone \ud800" }, None));
        Assert.Equal(
            "It is \ufffd gone \ufffd", (await Findings.ListAsync(DateTimeOffset.MaxValue, "", 1, None))[0].Finding.Description);
        await Findings.RemoveAsync([new PayoutId("p1"), new PayoutId("nobody")], None);
        Assert.Equal(new AuditFindingCounts(0, 1), await Findings.CountAsync(None));
    }

    [Fact]
    public async Task Events_are_put_into_the_outbox_again_in_order()
    {
        await CreateAsync("p1");
        await CreateAsync("p2");
        await ConfirmAsync("p1", Instant);
        for (var i = 0; i < 2; i++)
            await Outbox.AcknowledgeAsync(await Outbox.ReadAllAsync(), None);
        await ConfirmAsync("p2", Instant);
        var underWay = Assert.Single(await Outbox.ReadAllAsync());

        await History.SendAgainAsync(new PayoutId("p1"), fromSequenceId: 1, None);
        await History.SendAgainAsync(new PayoutId("p2"), fromSequenceId: 0, None);

        Assert.Equal([("p1", 1), ("p2", 0)], (await Outbox.ReadAllAsync()).Select(e => (e.PayoutId.Value, e.SequenceId)));
        // Its acknowledgement comes for the event as it was sent before, which must come once more, after those before it.
        await Outbox.AcknowledgeAsync([underWay], None);
        await Outbox.AcknowledgeAsync(await Outbox.ReadAllAsync(), None);
        Assert.Equal([("p2", 1)], (await Outbox.ReadAllAsync()).Select(e => (e.PayoutId.Value, e.SequenceId)));
        Assert.Equal([false], (await History.ReadAsync(new PayoutId("p2"), None)).Events.Skip(1).Select(e => e.IsAcknowledged));
    }

    [Fact]
    public async Task The_backlog_is_counted_and_its_age_is_that_of_the_oldest()
    {
        for (var i = 1; i <= 120; i++)
            await CreateAsync($"p{i}");
        await ConfirmAsync("p1", Instant);
        await StartAsync("new");
        var backlog = Services.GetRequiredService<IBacklog>();

        for (var look = 0; look < 2; look++)
        {
            var figures = await backlog.ReadAsync(None);
            Assert.Equal(["create"], figures.Operations.Keys);
            Assert.Equal(1, figures.Operations["create"].Count);
            Assert.True(figures.Events.Count > 100);
            Assert.InRange(figures.Events.OldestAge, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        }

        await Outbox.AcknowledgeAsync((await Outbox.ReadAllAsync()).Skip(10).ToList(), None);
        Assert.Equal(11, (await backlog.ReadAsync(None)).Events.Count);
        for (var i = 0; i < 2; i++)
            await Outbox.AcknowledgeAsync(await Outbox.ReadAllAsync(), None);
        Assert.Equal(new Waiting(0, TimeSpan.Zero), (await backlog.ReadAsync(None)).Events);
    }

    [Fact]
    public async Task A_call_whose_time_is_up_is_not_done()
    {
        var over = new CancellationToken(canceled: true);

        await Assert.ThrowsAsync<NotDoneException>(() => Payouts.FindAsync(new PayoutId("p1"), over));
        await Assert.ThrowsAsync<NotDoneException>(() => Operations.IntendAsync(
            new PayoutId("p1"), Testing.Payouts.CreateIntent("p1"), null, "owner", null, Lease, over));
    }

    protected abstract string Table(string name);

    private static OutboxPosition PositionOf(OutboxEvent e) => new(e.StoredAt, e.Id);

    private static AuditPosition PositionOf(PayoutChange change) => new(change.StoredAt, change.EventId);

    private async Task<IReadOnlyList<PayoutChange>> ListAsync(AuditPosition after, int limit) =>
        (await History.ListChangesAsync(after, TimeSpan.Zero, limit, None)).Changes;

    private async Task<Payout> CreateAsync(string id)
    {
        var payout = Testing.Payouts.Unpaid(id);
        Assert.True(await Operations.ApplyAsync(await StartAsync(id), new PayoutCreated(payout, payout.CreatedAt), None));
        return payout;
    }

    private async Task ConfirmAsync(string id, DateTimeOffset at)
    {
        var confirmed = (await Payouts.FindAsync(new PayoutId(id), None))!.Confirm();
        var operation = await StartAsync(id, new ConfirmIntent(), confirmed.SequenceId - 1);
        Assert.True(await Operations.ApplyAsync(operation, PayoutEvent.OfLatestChange(confirmed, at), None));
    }

    private async Task<Operation> StartAsync(string id, OperationIntent? intent = null, int? expectedSequenceId = null) =>
        Assert.IsType<Intended.Started>(
            await IntendAsync(id, intent ?? Testing.Payouts.CreateIntent(id), expectedSequenceId)).Operation;

    private Task<Intended> IntendAsync(string id, OperationIntent intent, int? expectedSequenceId, Actor? actor = null) => Operations.IntendAsync(
        new PayoutId(id), intent, expectedSequenceId, Operation.NewOwner(), actor, Lease, None);
}
