using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Query.SqlExpressions;
using PayoutManager.Application.Operations;
using PayoutManager.Domain.Payouts;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage.Sqlite;

/// <summary>The tables in SQLite, for development: enums are text, and every transaction takes the write lock at once.</summary>
internal sealed class SqlitePayoutDbContext(DbContextOptions<SqlitePayoutDbContext> options) : PayoutDbContext(options)
{
    private const string Now = "strftime('%Y-%m-%d %H:%M:%f', 'now')";

    public static void Map(SqliteDbContextOptionsBuilder options) =>
        options.MigrationsHistoryTable("payout_manager_migration");

    public override async Task<Payout?> FindAsync(string payoutId, CancellationToken cancellationToken)
    {
        var found = await Payouts
            .AsNoTracking()
            .Where(payout => payout.PayoutId == payoutId)
            .Select(payout => new
            {
                Row = payout,
                Postings = Postings.Where(posting => posting.PayoutId == payout.PayoutId).OrderBy(posting => posting.Id).ToList(),
            })
            .SingleOrDefaultAsync(cancellationToken);
        return found is null ? null : PayoutRows.ToPayout(found.Row, found.Postings);
    }

    public override async Task<Inserted?> TryInsertAsync(
        OperationRow operation,
        TimeSpan lease,
        CancellationToken cancellationToken)
    {
        // As SQL, because a conflict must not abort the transaction.
        var inserted = await Database.ExecuteSqlAsync(
            $"""
            INSERT INTO payout_operation (payout_id, kind, attempt, owner, lease_until, request)
            VALUES ({operation.PayoutId}, {operation.Kind}, 1, {operation.Owner},
                    strftime('%Y-%m-%d %H:%M:%f', 'now', {lease.TotalSeconds} || ' seconds'), {operation.Request})
            ON CONFLICT (payout_id) DO UPDATE SET
                kind = excluded.kind,
                attempt = CASE excluded.kind WHEN {OperationRow.Create} THEN payout_operation.attempt + 1 ELSE 1 END,
                owner = excluded.owner,
                lease_until = excluded.lease_until,
                started_at = strftime('%Y-%m-%d %H:%M:%f', 'now'),
                request = excluded.request
            WHERE payout_operation.kind = {OperationRow.Spent}
            """,
            cancellationToken);
        if (inserted == 0)
            return null;
        return new Inserted(
            await Operations.Where(o => o.PayoutId == operation.PayoutId).Select(o => o.Attempt).SingleAsync(cancellationToken),
            await Payouts
                .Where(payout => payout.PayoutId == operation.PayoutId)
                .Select(payout => (int?)payout.SequenceId)
                .SingleOrDefaultAsync(cancellationToken));
    }

    public override async Task<bool> TryApplyAsync(
        Operation operation, Payout payout, EventRow outboxEvent, CancellationToken cancellationToken)
    {
        await using var transaction = await Database.BeginTransactionAsync(cancellationToken);
        var ended = await Operations
            .Where(o => o.PayoutId == operation.PayoutId.Value && o.Owner == operation.Owner && o.Attempt == operation.Attempt)
            .ExecuteDeleteAsync(cancellationToken);
        if (ended == 0)
            return false;
        if (payout.SequenceId == 0)
        {
            Payouts.Add(PayoutRows.ToRow(payout));
            Postings.AddRange(PayoutRows.ToPostingRows(payout));
        }
        else if (await Payouts
            .Where(p => p.PayoutId == payout.Id.Value && p.SequenceId == payout.SequenceId - 1)
            .ExecuteUpdateAsync(
                p => p
                    .SetProperty(r => r.SequenceId, payout.SequenceId)
                    .SetProperty(r => r.Status, payout.Status.State)
                    .SetProperty(r => r.CancelDetails, payout.Status.Details),
                cancellationToken) == 0)
        {
            return false;
        }

        Events.Add(outboxEvent);
        await SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>
    /// A development host's own file needs no lock beyond SQLite's. Write-ahead logging, which the file remembers, lets
    /// readers go on while something is written.
    /// </summary>
    public override async Task MigrateAloneAsync(CancellationToken cancellationToken)
    {
        await Database.ExecuteSqlAsync($"PRAGMA journal_mode = 'wal'", cancellationToken);
        await Database.MigrateAsync(cancellationToken);
    }

    public override Task LearnTypesAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        modelBuilder.Entity<PayoutRow>().Property(p => p.Status).HasConversion<string>();
        modelBuilder.Entity<CashFlowPostingRow>(posting =>
        {
            posting.Property(p => p.FromAccountType).HasConversion<string>();
            posting.Property(p => p.ToAccountType).HasConversion<string>();
        });
        modelBuilder.Entity<OperationRow>().Property(o => o.StartedAt).HasDefaultValueSql($"({Now})");
        modelBuilder.Entity<EventRow>().Property(e => e.StoredAt).HasDefaultValueSql($"({Now})");
        modelBuilder.HasDbFunction(((Func<DateTime>)DatabaseClock.Now).Method)
            .HasTranslation(_ => new SqlFragmentExpression(Now, typeof(DateTime), null));
    }
}
