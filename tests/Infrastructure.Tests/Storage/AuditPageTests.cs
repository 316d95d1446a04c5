using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PayoutManager.Application.Ports;
using PayoutManager.Infrastructure.Storage;
using PayoutManager.Infrastructure.Storage.Postgres;
using PayoutManager.Testing;

namespace PayoutManager.Infrastructure.Tests.Storage;

/// <summary>How the audit reads changes of PostgreSQL: at the same cost whatever their number, and none is passed over.</summary>
public sealed class AuditPageTests : IAsyncLifetime
{
    private const int PageSize = 200;

    private static readonly CancellationToken None = CancellationToken.None;

    private string _connectionString = "";
    private ServiceProvider _services = null!;

    private IPayoutHistory History => _services.GetRequiredService<IPayoutHistory>();

    public async Task InitializeAsync()
    {
        _connectionString = await (await PostgresServer.GetAsync()).CreateDatabaseAsync();
        await StorageHost.MigrateAsync(_connectionString);
        _services = new ServiceCollection().AddStorage(new StorageOptions { ConnectionString = _connectionString }).BuildServiceProvider();
    }

    public async Task DisposeAsync() => await _services.DisposeAsync();

    [Theory]
    [InlineData(false, 1000)]
    // Eight tables, each with a tree of as many levels as that of the one.
    [InlineData(true, 8000)]
    public async Task A_page_costs_no_more_among_many_changes_than_among_few(bool isPartitioned, int fewChanges)
    {
        if (isPartitioned)
            await HashPartitions.MakeAsync(_connectionString);
        await StoreAsync(from: 1, to: fewChanges);
        var few = await CostAsync(after: 500);
        await StoreAsync(from: fewChanges + 1, to: 40_000);

        foreach (var place in (int[])[0, 500, 20_000, 39_700])
        {
            var cost = await CostAsync(place);
            Assert.Equal(few.Rows, cost.Rows);
            Assert.True(cost.Buffers <= 1.2 * few.Buffers, $"{cost.Buffers} buffers after {place}, {few.Buffers} among {fewChanges}");
            Assert.DoesNotContain("Seq Scan", cost.Plan, StringComparison.Ordinal);
        }
    }

    /// <summary>A change is stored at an instant, and becomes visible when its transaction commits.</summary>
    [Fact]
    public async Task A_change_that_becomes_visible_late_is_still_to_come()
    {
        await using var late = new NpgsqlConnection(_connectionString);
        await late.OpenAsync();
        await using var transaction = await late.BeginTransactionAsync();
        await using (var insert = new NpgsqlCommand(InsertOf("late"), late, transaction))
            await insert.ExecuteNonQueryAsync();
        await Sql.ExecuteAsync(_connectionString, InsertOf("in time"));

        var behind = await History.ListChangesAsync(AuditPosition.Beginning, TimeSpan.FromMinutes(2), 10, None);
        var upToNow = await History.ListChangesAsync(AuditPosition.Beginning, TimeSpan.Zero, 10, None);
        await transaction.CommitAsync();

        Assert.Empty(behind.Changes);
        Assert.Equal(["in time"], upToNow.Changes.Select(change => change.PayoutId.Value));
        // Whoever has gone on to the present has passed it.
        var last = upToNow.Changes[^1];
        Assert.Empty((await History.ListChangesAsync(new AuditPosition(last.StoredAt, last.EventId), TimeSpan.Zero, 10, None)).Changes);
        Assert.Equal(
            ["late", "in time"],
            (await History.ListChangesAsync(AuditPosition.At(behind.Horizon), TimeSpan.Zero, 10, None)).Changes.Select(change => change.PayoutId.Value));
    }

    private static string InsertOf(string id) =>
        $"INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload) VALUES ('{id}', 0, now(), '')";

    private static DateTimeOffset InstantOf(int place) => new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(place);

    /// <summary>A change in each second of some.</summary>
    private async Task StoreAsync(int from, int to)
    {
        await Sql.ExecuteAsync(
            _connectionString,
            $"""
            INSERT INTO pm.payout_event (payout_id, sequence_id, created_at, payload, stored_at)
            SELECT 'p' || n, 0, now(), decode(repeat('ab', 600), 'hex'), timestamptz '2026-01-01 00:00:00+00' + make_interval(secs => n)
            FROM generate_series({from}, {to}) n
            """);
        await Sql.ExecuteAsync(_connectionString, "VACUUM ANALYZE pm.payout_event");
    }

    /// <summary>What a page costs by the plan that a host's sessions have for it, which is one for all values.</summary>
    private async Task<(long Buffers, long Rows, string Plan)> CostAsync(int after)
    {
        await using var connection = await _services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync();
        await ExecuteAsync($"PREPARE page (timestamptz, bigint, double precision, integer) AS {PostgresAudit.SelectChanges()}");
        var text = await ExecuteAsync($"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE page ('{InstantOf(after):O}', 0, 0, {PageSize})");
        await ExecuteAsync("DEALLOCATE page");
        using var json = JsonDocument.Parse(text!);
        var plan = json.RootElement[0].GetProperty("Plan");
        return (
            plan.GetProperty("Shared Hit Blocks").GetInt64() + plan.GetProperty("Shared Read Blocks").GetInt64(),
            plan.GetProperty("Actual Rows").GetInt64(),
            text!);

        async Task<string?> ExecuteAsync(string sql)
        {
#pragma warning disable CA2100 // The statement of the store, and numbers.
            await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
            return await command.ExecuteScalarAsync() as string;
        }
    }
}
