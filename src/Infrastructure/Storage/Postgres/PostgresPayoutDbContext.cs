using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage.Postgres;

/// <summary>The tables in PostgreSQL: schema <c>pm</c>, with the incumbent's enums.</summary>
internal sealed class PostgresPayoutDbContext(DbContextOptions<PostgresPayoutDbContext> options) : PayoutDbContext(options)
{
    private const string Timestamp = "timestamp without time zone";
    private const string TimestampUtc = "timestamp with time zone";

    private const string Now = "clock_timestamp()";

    // "payouts" in ASCII: any number that every host agrees on.
    private const long MigrationLock = 0x7061796f757473;

    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(100);

    public static void Map(NpgsqlDbContextOptionsBuilder options)
    {
        PostgresTypes.Map(options);
        options.MigrationsHistoryTable(MigrationsTable, PostgresTypes.Schema);
    }

    /// <summary>
    /// Under a lock of this session, which goes with its connection also when the host dies. Asked for again and again
    /// instead of waited for: a waiting statement would deadlock with an index that is being made concurrently.
    /// </summary>
    public override async Task MigrateAloneAsync(CancellationToken cancellationToken)
    {
        await Database.OpenConnectionAsync(cancellationToken);
        while (!await Database
            .SqlQuery<bool>($"SELECT pg_try_advisory_lock({MigrationLock}) AS \"Value\"")
            .SingleAsync(cancellationToken))
        {
            await Task.Delay(LockPause, TimeProvider.System, cancellationToken);
        }

        try
        {
            // A statement that waits for a lock on a table makes everybody else wait behind it: rather tried again and again. One that
            // builds an index takes as long as the table is large.
            await Database.ExecuteSqlRawAsync("SET lock_timeout = '300ms'; SET statement_timeout = 0", cancellationToken);
            Database.SetCommandTimeout(TimeSpan.Zero);
            await PreparedIndexes.MakeAsync(Database.GetDbConnection(), cancellationToken);
            await Database.MigrateAsync(cancellationToken);
        }
        finally
        {
            await Database.ExecuteSqlRawAsync("RESET lock_timeout; RESET statement_timeout", CancellationToken.None);
            await Database.ExecuteSqlAsync($"SELECT pg_advisory_unlock({MigrationLock})", CancellationToken.None);
        }
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(PostgresTypes.Schema);
        base.OnModelCreating(modelBuilder);
        modelBuilder.Entity<PayoutRow>(payout =>
        {
            payout.Property(p => p.CreatedAt).HasColumnType(Timestamp);
            Varchar(
                payout,
                nameof(PayoutRow.PayoutId),
                nameof(PayoutRow.PartyId),
                nameof(PayoutRow.ShopId),
                nameof(PayoutRow.PayoutToolId),
                nameof(PayoutRow.CurrencyCode),
                nameof(PayoutRow.CancelDetails),
                nameof(PayoutRow.RequestDigest));
        });
        modelBuilder.Entity<CashFlowPostingRow>(posting =>
        {
            posting.Property(p => p.CreatedAt).HasColumnType(Timestamp);
            Varchar(
                posting,
                nameof(CashFlowPostingRow.PayoutId),
                nameof(CashFlowPostingRow.CurrencyCode),
                nameof(CashFlowPostingRow.Description));
        });
        modelBuilder.Entity<OperationRow>(operation =>
        {
            Varchar(operation, nameof(OperationRow.PayoutId));
            operation.Property(o => o.LeaseUntil).HasColumnType(TimestampUtc);
            operation.Property(o => o.NextTryAt).HasColumnType(TimestampUtc);
            operation.Property(o => o.Request).HasColumnType("jsonb");
            operation.Property(o => o.StartedAt).HasColumnType(TimestampUtc).HasDefaultValueSql(Now);
        });
        modelBuilder.Entity<EventRow>(change =>
        {
            change.HasKey(e => new { e.PayoutId, e.SequenceId }).HasName("payout_event_pkey");
            Varchar(change, nameof(EventRow.PayoutId));
            change.Property(e => e.CreatedAt).HasColumnType(TimestampUtc);
            change.Property(e => e.StoredAt).HasColumnType(TimestampUtc).HasDefaultValueSql(Now);
        });
        modelBuilder.Entity<OutboxRow>(outboxEvent =>
        {
            outboxEvent.HasKey(e => new { e.PayoutId, e.SequenceId }).HasName("event_outbox_pkey");
            Varchar(outboxEvent, nameof(OutboxRow.PayoutId));
            outboxEvent.Property(e => e.StoredAt).HasColumnType(TimestampUtc).HasDefaultValueSql(Now);
        });
        modelBuilder.Entity<RelayLaneRow>().Property(l => l.LeaseUntil).HasColumnType(TimestampUtc);
        modelBuilder.Entity<RelayHostRow>().Property(h => h.PresentUntil).HasColumnType(TimestampUtc);
        modelBuilder.Entity<AuditProgressRow>(progress =>
        {
            Varchar(progress, nameof(AuditProgressRow.PayoutId));
            progress.Property(p => p.StoredAt).HasColumnType(TimestampUtc);
            progress.Property(p => p.LeaseUntil).HasColumnType(TimestampUtc);
        });
        modelBuilder.Entity<AuditFindingRow>(finding =>
        {
            Varchar(finding, nameof(AuditFindingRow.PayoutId));
            finding.Property(f => f.Since).HasColumnType(TimestampUtc);
            finding.Property(f => f.FirstSeenAt).HasColumnType(TimestampUtc).HasDefaultValueSql(Now);
            finding.Property(f => f.LastSeenAt).HasColumnType(TimestampUtc).HasDefaultValueSql(Now);
        });

        modelBuilder.HasDbFunction(((Func<DateTime>)DatabaseClock.Now).Method)
            .HasName("clock_timestamp")
            .IsBuiltIn()
            .HasStoreType(TimestampUtc);
    }

    private static void Varchar<TRow>(EntityTypeBuilder<TRow> row, params string[] properties)
        where TRow : class
    {
        foreach (var property in properties)
            row.Property(property).HasColumnType("character varying");
    }
}
