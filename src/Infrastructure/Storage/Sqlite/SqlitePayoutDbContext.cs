using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Query.SqlExpressions;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage.Sqlite;

/// <summary>The tables in SQLite, for development: enums are text, and every transaction takes the write lock at once.</summary>
internal sealed class SqlitePayoutDbContext(DbContextOptions<SqlitePayoutDbContext> options) : PayoutDbContext(options)
{
    private const string Now = "strftime('%Y-%m-%d %H:%M:%f', 'now')";

    public static void Map(SqliteDbContextOptionsBuilder options) =>
        options.MigrationsHistoryTable(MigrationsTable);

    /// <summary>
    /// A development host's own file needs no lock beyond SQLite's. Write-ahead logging, which the file remembers, lets
    /// readers go on while something is written.
    /// </summary>
    public override async Task MigrateAloneAsync(CancellationToken cancellationToken)
    {
        await Database.ExecuteSqlAsync($"PRAGMA journal_mode = 'wal'", cancellationToken);
        await Database.MigrateAsync(cancellationToken);
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        modelBuilder.Entity<PayoutRow>().Property(p => p.Status).HasConversion<string>();
        modelBuilder.Entity<CashFlowPostingRow>(posting =>
        {
            posting.Property(p => p.FromAccountType).HasConversion<string>();
            posting.Property(p => p.ToAccountType).HasConversion<string>();
        });
        modelBuilder.Entity<OperationRow>(operation =>
        {
            operation.Property(o => o.StartedAt).HasDefaultValueSql($"({Now})");
            operation.HasIndex(o => o.LeaseUntil)
                .HasFilter("lease_until IS NOT NULL")
                .HasDatabaseName("payout_operation_lease_until_idx");
        });
        // Only a key of its own lets SQLite number the rows.
        modelBuilder.Entity<EventRow>(change =>
        {
            change.HasKey(e => e.Id).HasName("payout_event_pkey");
            change.HasIndex(e => new { e.PayoutId, e.SequenceId }).IsUnique().HasDatabaseName("payout_event_payout_id_sequence_id_key");
            change.Property(e => e.StoredAt).HasDefaultValueSql($"({Now})");
        });
        modelBuilder.Entity<OutboxRow>(outboxEvent =>
        {
            outboxEvent.HasKey(e => e.Id).HasName("event_outbox_pkey");
            outboxEvent.HasIndex(e => new { e.PayoutId, e.SequenceId }).IsUnique().HasDatabaseName("event_outbox_payout_id_sequence_id_key");
            outboxEvent.Property(e => e.StoredAt).HasDefaultValueSql($"({Now})");
        });
        modelBuilder.Entity<AuditFindingRow>(finding =>
        {
            finding.Property(f => f.FirstSeenAt).HasDefaultValueSql($"({Now})");
            finding.Property(f => f.LastSeenAt).HasDefaultValueSql($"({Now})");
        });
        modelBuilder.HasDbFunction(((Func<DateTime>)DatabaseClock.Now).Method)
            .HasTranslation(_ => new SqlFragmentExpression(Now, typeof(DateTime), null));
    }
}
