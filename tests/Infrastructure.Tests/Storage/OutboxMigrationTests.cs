using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Application.Events;
using PayoutManager.Application.Ports;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Testing;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>The outbox is made on a database of the version before, while hosts of that version are at work, by their statements.</summary>
public sealed class OutboxMigrationTests : IAsyncLifetime
{
    private const string OldLease =
        """
        UPDATE pm.relay_lease SET owner = 'old', lease_until = clock_timestamp() + make_interval(secs => {0})
        WHERE id = 1 AND (owner = 'old' OR lease_until IS NULL OR lease_until <= clock_timestamp()) RETURNING 'leased'
        """;

    private const string OldInsert =
        "INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload) VALUES ('{0}', {1}, now(), '\\x{1:x2}')";

    private const string OldPoll =
        """
        SELECT e.id || ' ' || e.payout_id || ' ' || e.sequence_id FROM pm.payout_event e
        WHERE e.published_at IS NULL AND NOT EXISTS (
            SELECT FROM pm.payout_event earlier
            WHERE earlier.payout_id = e.payout_id AND earlier.sequence_id < e.sequence_id AND (earlier.published_at IS NULL) IS TRUE)
        ORDER BY e.id LIMIT 3
        """;

    private const string OldMark = "UPDATE pm.payout_event SET published_at = statement_timestamp() WHERE id = {0}";

    private static readonly CancellationToken None = CancellationToken.None;

    private readonly ConcurrentQueue<(string PayoutId, int SequenceId)> _sent = [];
    private ServiceProvider _services = null!;
    private NpgsqlDataSource _database = null!;

    private IEventOutbox Outbox => _services.GetRequiredService<IEventOutbox>();

    public async Task InitializeAsync()
    {
        var connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        _database = NpgsqlDataSource.Create(connectionString);
        _services = new ServiceCollection().AddStorage(new StorageOptions { ConnectionString = connectionString }).BuildServiceProvider();
        await using var context = _services.GetRequiredService<Func<PayoutDbContext>>()();
        await context.GetService<IMigrator>().MigrateAsync("20261126000001_RequestsAndActors");
    }

    public async Task DisposeAsync()
    {
        await _services.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task What_is_not_marked_is_in_the_outbox_afterwards_in_its_lane_and_what_is_marked_is_not()
    {
        foreach (var (id, sequenceId) in ((string, int)[])[("p1", 0), ("p1", 1), ("выплата", 0), ("p1", 2)])
            await ExecuteAsync(OldInsert, id, sequenceId);
        await ExecuteAsync("UPDATE pm.payout_event SET published_at = now() WHERE payout_id = 'p1' AND sequence_id = 0");

        await MigrateAsync();

        Assert.Equal(
            [("p1", 1, EventLane.Of(new PayoutId("p1"))), ("выплата", 0, EventLane.Of(new PayoutId("выплата")))],
            (await Outbox.ReadAllAsync()).Select(e => (e.PayoutId.Value, e.SequenceId, e.Lane)));
        Assert.Equal([1], (await Outbox.ReadAllAsync())[0].Payload);
        Assert.Equal(
            ["p1 1 same", "p1 2 same", "выплата 0 same"],
            await QueryAsync(
                """
                SELECT concat_ws(' ', o.payout_id, o.sequence_id, CASE WHEN o.stored_at = e.stored_at THEN 'same' END)
                FROM pm.event_outbox o JOIN pm.payout_event e USING (payout_id, sequence_id) ORDER BY 1
                """));
    }

    [Fact]
    public async Task What_a_host_of_the_version_before_stores_or_marks_or_sends_again_is_so_in_the_outbox()
    {
        await ExecuteAsync(OldInsert, "p1", 0);
        await MigrateAsync();

        await ExecuteAsync(OldInsert, "p1", 1);
        await ExecuteAsync(OldInsert, "p2", 0);
        Assert.Equal(["p1 0", "p1 1", "p2 0"], await ListAsync());
        await ExecuteAsync(OldMark, (await QueryAsync("SELECT id::text FROM pm.payout_event WHERE payout_id = 'p1' AND sequence_id = 0"))[0]);
        Assert.Equal(["p1 1", "p2 0"], await ListAsync());
        await ExecuteAsync("UPDATE pm.payout_event SET published_at = NULL WHERE payout_id = 'p1'");
        Assert.Equal(["p1 0", "p1 1", "p2 0"], await ListAsync());
        Assert.Equal(EventLane.Of(new PayoutId("p2")), (await Outbox.ReadAllAsync()).Single(e => e.PayoutId.Value == "p2").Lane);
    }

    [Fact]
    public async Task No_host_of_the_version_before_sends_any_more_and_no_other_begins_before_its_lease_would_have_run_out()
    {
        Assert.Equal(["leased"], await QueryAsync(OldLease, 3));

        var migration = MigrateAsync();
        await UntilAsync("SELECT 'there' WHERE to_regclass('pm.relay_lane') IS NOT NULL");
        await UntilAsync("SELECT 'there' FROM pm.relay_lane LIMIT 1");

        Assert.Empty(await QueryAsync(OldLease, 15));
        var book = await Outbox.ReadLanesAsync(None);
        // Unless this test was held up for longer than the lease.
        if (book.Now < await LeaseUntilAsync())
            Assert.All(book.Lanes, lane => Assert.Equal(("old", false), (lane.Owner, lane.IsFree)));
        await migration;
        int[] all = [.. Enumerable.Range(0, EventLane.Count)];
        Assert.Equal(all, (await Outbox.LeaseLanesAsync("new", all, TimeSpan.FromMinutes(1), None)).Order());
        Assert.Empty(await QueryAsync(OldLease, 15));
    }

    [Fact]
    public async Task Nothing_is_lost_or_overtaken_while_hosts_of_the_version_before_store_and_send()
    {
        const int payouts = 200;
        for (var i = 0; i < payouts; i += 2)
            await ExecuteAsync(OldInsert, $"p{i}", 0);
        var stored = 0;
        var stores = Task.Run(async () =>
        {
            for (var i = 0; i < payouts; i++)
            {
                if (i % 2 == 1)
                    await ExecuteAsync(OldInsert, $"p{i}", 0);
                await ExecuteAsync(OldInsert, $"p{i}", 1);
                Interlocked.Increment(ref stored);
            }
        });
        var sends = Task.Run(SendAsOldHostAsync);
        await Sql.UntilAsync(() => Task.FromResult(_sent.Count > 10));

        // Tables are locked for short times only, so that it may take several tries.
        for (var isDone = false; !isDone;)
        {
            try
            {
                await MigrateAsync();
                isDone = true;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, None);
            }
        }

        await sends;
        await SendAsNewHostAsync(() => Volatile.Read(ref stored) == payouts);
        await stores;
        await SendAsNewHostAsync(() => true);

        Assert.Empty(await ListAsync());
        Assert.Empty(await QueryAsync("SELECT 'unmarked' FROM pm.payout_event e WHERE published_at IS NULL AND EXISTS (SELECT FROM pm.event_outbox o WHERE o.payout_id = e.payout_id AND o.sequence_id = e.sequence_id)"));
        foreach (var ofPayout in _sent.ToLookup(e => e.PayoutId, e => e.SequenceId))
            Assert.Equal([0, 1], ofPayout.Distinct());
        Assert.Equal(payouts, _sent.Select(e => e.PayoutId).Distinct().Count());
    }

    private async Task SendAsOldHostAsync()
    {
        while (await QueryAsync(OldLease, 1) is ["leased"])
        {
            foreach (var line in await QueryAsync(OldPoll))
            {
                if (line.Split(' ') is not [var id, var payoutId, var sequenceId])
                    continue;
                _sent.Enqueue((payoutId, int.Parse(sequenceId)));
                await ExecuteAsync(OldMark, id);
            }
        }
    }

    private async Task SendAsNewHostAsync(Func<bool> isLast)
    {
        int[] all = [.. Enumerable.Range(0, EventLane.Count)];
        while ((await Outbox.LeaseLanesAsync("new", all, TimeSpan.FromMinutes(1), None)).Count < all.Length)
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, None);
        for (var wasLast = false; !wasLast;)
        {
            wasLast = isLast();
            while (await Outbox.ReadAllAsync() is { Count: > 0 } events)
            {
                foreach (var outboxEvent in events)
                    _sent.Enqueue((outboxEvent.PayoutId.Value, outboxEvent.SequenceId));
                await Outbox.AcknowledgeAsync(events, None);
                wasLast = false;
            }
        }
    }

    private Task MigrateAsync() => _services.GetRequiredService<DatabaseMigrator>().MigrateAsync(None);

    private async Task<DateTimeOffset> LeaseUntilAsync() => DateTimeOffset.FromUnixTimeMilliseconds(
        long.Parse((await QueryAsync("SELECT floor(extract(epoch FROM min(lease_until)) * 1000)::bigint::text FROM pm.relay_lane"))[0]));

    private Task<IReadOnlyList<string>> ListAsync() =>
        QueryAsync("SELECT payout_id || ' ' || sequence_id FROM pm.event_outbox ORDER BY 1");

    private Task UntilAsync(string sql) => Sql.UntilAsync(async () => await QueryAsync(sql) is not []);

    private async Task ExecuteAsync(string sql, params object[] arguments)
    {
        await using var command = _database.CreateCommand(Format(sql, arguments));
        await command.ExecuteNonQueryAsync();
    }

    private Task<IReadOnlyList<string>> QueryAsync(string sql, params object[] arguments) => _database.QueryAsync(Format(sql, arguments));

    private static string Format(string sql, object[] arguments) =>
        arguments.Length == 0 ? sql : string.Format(System.Globalization.CultureInfo.InvariantCulture, sql, arguments);
}
