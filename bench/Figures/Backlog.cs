using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Application.Events;
using PayoutManager.Application.Ports;
using PayoutManager.Bench.Stand;
using PayoutManager.Infrastructure;
using PayoutManager.Infrastructure.Storage;

namespace PayoutManager.Bench.Figures;

/// <summary>
/// What a host's background work asks of a database with a long history, a large backlog and rows that cannot be cleaned up, against the
/// same asked of an empty one.
/// </summary>
internal static class Backlog
{
    private const int Page = 100;
    private const int AuditPage = 200;
    private const int LittleHistory = 1000;
    private const int CallsOfRound = 100;

    // What no host has sent for a day.
    private const string LongAgo = "now() - interval '1 day'";

    private const string Poll = "poll";
    private const string Mark = "mark";
    private const string Figures = "backlog figures";
    private const string Scan = "scan for expired operations";
    private const string Audit = "page of the audit";

    private static readonly string[] Questions = [Poll, Mark, Figures, Scan, Audit];
    private static readonly int[] AllLanes = [.. Enumerable.Range(0, EventLane.Count)];
    private static readonly CancellationToken None = CancellationToken.None;

    public static async Task MeasureAsync(TestStand stand, Effort effort, Results results)
    {
        await using var few = await MigratedAsync(stand);
        await using var many = await MigratedAsync(stand);
        await using var old = await FillAsync(many.ConnectionString, effort);
        foreach (var statement in (string[])[History(LittleHistory), "VACUUM ANALYZE"])
            await TestStand.ExecuteAsync(few.ConnectionString, statement);

        Asked[] databases = [few, many];
        var took = Questions.ToDictionary(q => q, _ => databases.ToDictionary(d => d, _ => new List<double>()));
        for (var round = -1; round < effort.Rounds; round++)
        {
            foreach (var question in Questions)
            {
                var times = databases.ToDictionary(d => d, _ => new List<double>());
                for (var call = 0; call < CallsOfRound; call++)
                {
                    foreach (var database in call % 2 == 0 ? databases : [many, few])
                        times[database].Add((await database.AskAsync(question)).TotalMicroseconds);
                }

                foreach (var database in round < 0 ? [] : databases)
                    took[question][database].Add(new Samples(times[database]).Median);
            }
        }

        foreach (var question in Questions)
        {
            results.Add(new Line(
                $"{question} at {effort.History:#,0} events of history, a backlog of {effort.LargeBacklog:#,0} and {effort.DeadRows:#,0} dead rows",
                "µs",
                new Samples(took[question][many]),
                new Samples(took[question][few]),
                $"{LittleHistory:#,0} events, nothing waiting or dead",
                "≤ 1.2"));
        }
    }

    private static async Task<Asked> MigratedAsync(TestStand stand)
    {
        var connectionString = await stand.CreateDatabaseAsync();
        var services = new ServiceCollection()
            .AddStorage(new StorageOptions { ConnectionString = connectionString })
            .BuildServiceProvider();
        await services.GetRequiredService<DatabaseMigrator>().MigrateAsync(None);
        return new Asked(connectionString, services);
    }

    /// <returns>A connection whose old snapshot keeps dead rows from being cleaned up.</returns>
    private static async Task<NpgsqlConnection> FillAsync(string connectionString, Effort effort)
    {
        Console.WriteLine($"   filling a database with {effort.History:#,0} events");
        foreach (var statement in (string[])
        [
            History(effort.History),
            Outbox("dead", effort.DeadRows, $"{LongAgo} - interval '1 hour'"),
            Outbox("waiting", effort.LargeBacklog, LongAgo),
            $"""
            INSERT INTO pm.payout_operation (payout_id, kind, attempt, owner, lease_until, next_try_at)
            SELECT 'dead-' || n, 'confirm', 1, 'somebody', {LongAgo}, NULL FROM generate_series(1, {effort.DeadRows}) n
            """,
            "VACUUM ANALYZE",
            "CHECKPOINT",
        ])
        {
            await TestStand.ExecuteAsync(connectionString, statement);
        }

        var old = new NpgsqlConnection(connectionString);
        await old.OpenAsync();
        await using var snapshot = new NpgsqlCommand("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pm.relay_lane", old);
        await snapshot.ExecuteNonQueryAsync();
        await TestStand.ExecuteAsync(
            connectionString,
            "DELETE FROM pm.event_outbox WHERE payout_id LIKE 'dead-%'; DELETE FROM pm.payout_operation WHERE payout_id LIKE 'dead-%'; ANALYZE");
        return old;
    }

    /// <summary>Sent events of a year.</summary>
    private static string History(int events) =>
        $"""
        INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload, stored_at, published_at)
        SELECT 'stored-' || n, 0, at, decode(repeat('ab', 100), 'hex'), at, 'infinity'
        FROM generate_series(1, {events}) n, LATERAL (SELECT now() - interval '1 year' + interval '364 days' * (n::float8 / {events}) AS at) time
        """;

    private static string Outbox(string name, int count, string storedAt) =>
        $"""
        INSERT INTO pm.event_outbox (payout_id, sequence_id, lane, payload, stored_at)
        SELECT '{name}-' || n, 0, n % {EventLane.Count}, decode(repeat('ab', 600), 'hex'), {storedAt} + interval '1 ms' * n / 100
        FROM generate_series(1, {count}) n
        """;

    /// <summary>A database with the adapters that ask it.</summary>
    private sealed class Asked(string connectionString, ServiceProvider services) : IAsyncDisposable
    {
        private readonly IEventOutbox _outbox = services.GetRequiredService<IEventOutbox>();
        private readonly IOperationStore _operations = services.GetRequiredService<IOperationStore>();
        private readonly IPayoutHistory _history = services.GetRequiredService<IPayoutHistory>();
        private readonly IBacklog _backlog = services.GetRequiredService<IBacklog>();
        private OutboxPosition? _recent;
        private int _stored;

        public string ConnectionString => connectionString;

        /// <summary>Asks one question as hosts do all the time that have read what waits once.</summary>
        public async Task<TimeSpan> AskAsync(string question)
        {
            switch (question)
            {
                case Poll:
                    _recent ??= await StoreAsync();
                    return await TimeAsync(() => ReadAsync(_recent.Value));
                case Mark:
                    var events = await ReadAsync(await StoreAsync());
                    return await TimeAsync(() => _outbox.AcknowledgeAsync(events, None));
                case Figures:
                    return await TimeAsync(() => _backlog.ReadAsync(None));
                case Audit:
                    var position = AuditPosition.At(TimeProvider.System.GetUtcNow() - TimeSpan.FromDays(180));
                    return await TimeAsync(async () =>
                    {
                        var page = await _history.ListChangesAsync(position, TimeSpan.FromSeconds(15), AuditPage, None);
                        await _history.ReadAsync([.. page.Changes.Select(change => change.PayoutId)], None);
                    });
                default:
                    var from = new DuePosition(TimeProvider.System.GetUtcNow() - TimeSpan.FromSeconds(15));
                    return await TimeAsync(() => _operations.ListDueAsync(from, false, Page, None));
            }
        }

        public ValueTask DisposeAsync() => services.DisposeAsync();

        /// <summary>Stores a page of new events.</summary>
        /// <returns>The place before them.</returns>
        private async Task<OutboxPosition> StoreAsync() => new(
            ((DateTime)(await TestStand.ExecuteAsync(
                connectionString,
                $"SELECT clock_timestamp(); {Outbox($"new-{_stored++}", Page, "clock_timestamp()")}"))!).ToUniversalTime(),
            0);

        private async Task<IReadOnlyList<OutboxEvent>> ReadAsync(OutboxPosition after) =>
            (await _outbox.ReadAsync(new OutboxQuery(AllLanes, after, Page, []), None)).OfLanes;

        private static async Task<TimeSpan> TimeAsync(Func<Task> ask)
        {
            var began = TimeProvider.System.GetTimestamp();
            await ask();
            return TimeProvider.System.GetElapsedTime(began);
        }
    }
}
