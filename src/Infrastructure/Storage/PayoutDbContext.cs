using Microsoft.EntityFrameworkCore;
using PayoutManager.Infrastructure.Storage.Rows;

namespace PayoutManager.Infrastructure.Storage;

/// <summary>The tables. What differs between databases is in the classes derived from this one, and nowhere else.</summary>
internal abstract class PayoutDbContext(DbContextOptions options) : DbContext(options)
{
    /// <summary>Where the database notes which migrations it has had.</summary>
    public const string MigrationsTable = "payout_manager_migration";

    public DbSet<PayoutRow> Payouts => Set<PayoutRow>();

    public DbSet<CashFlowPostingRow> Postings => Set<CashFlowPostingRow>();

    public DbSet<OperationRow> Operations => Set<OperationRow>();

    public DbSet<EventRow> Events => Set<EventRow>();

    public DbSet<OutboxRow> Outbox => Set<OutboxRow>();

    public DbSet<RelayLaneRow> RelayLanes => Set<RelayLaneRow>();

    public DbSet<RelayHostRow> RelayHosts => Set<RelayHostRow>();

    public DbSet<AuditProgressRow> AuditProgress => Set<AuditProgressRow>();

    public DbSet<AuditFindingRow> AuditFindings => Set<AuditFindingRow>();

    /// <summary>Makes and upgrades the tables while no other host does.</summary>
    public abstract Task MigrateAloneAsync(CancellationToken cancellationToken);

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<PayoutRow>(payout =>
        {
            payout.ToTable("payout");
            payout.HasKey(p => p.Id).HasName("payout_id_pkey");
            payout.HasIndex(p => p.PayoutId).IsUnique().HasDatabaseName("payout_payout_id_ukey");
            payout.Property(p => p.Fee).HasDefaultValue(0L);
            payout.Property(p => p.HoldAttempt).HasDefaultValue(1);
        });
        modelBuilder.Entity<CashFlowPostingRow>(posting =>
        {
            posting.ToTable("cash_flow_posting");
            posting.HasKey(p => p.Id).HasName("posting_id_pkey");
            posting.HasIndex(p => p.PayoutId).HasDatabaseName("cash_flow_posting_payout_id_idx");
        });
        modelBuilder.Entity<OperationRow>(operation =>
        {
            operation.ToTable("payout_operation");
            operation.HasKey(o => o.PayoutId).HasName("payout_operation_pkey");
            operation.Property(o => o.FailedTries).HasDefaultValue(0);
            operation.Property(o => o.PlanRefused).HasDefaultValue(false);
            operation.HasIndex(o => new { o.StartedAt, o.PayoutId })
                .HasFilter($"kind = '{OperationRow.Spent}'")
                .HasDatabaseName("payout_operation_spent_idx");
        });
        modelBuilder.Entity<EventRow>(change =>
        {
            change.ToTable("payout_event");
            change.Property(e => e.Id).ValueGeneratedOnAdd();
            change.HasIndex(e => new { e.StoredAt, e.Id }).HasDatabaseName("payout_event_stored_at_idx");
            change.HasIndex(e => new { e.StoredAt, e.Id }, "payout_event_first_idx").HasFilter("sequence_id = 0");
        });
        modelBuilder.Entity<OutboxRow>(outboxEvent =>
        {
            outboxEvent.ToTable("event_outbox");
            outboxEvent.Property(e => e.Id).ValueGeneratedOnAdd();
            outboxEvent.HasIndex(e => new { e.StoredAt, e.Id }).HasDatabaseName("event_outbox_stored_at_idx");
        });
        modelBuilder.Entity<RelayLaneRow>(lane =>
        {
            lane.ToTable("relay_lane");
            lane.HasKey(l => l.Lane).HasName("relay_lane_pkey");
            lane.Property(l => l.Lane).ValueGeneratedNever();
        });
        modelBuilder.Entity<RelayHostRow>(host =>
        {
            host.ToTable("relay_host");
            host.HasKey(h => h.Owner).HasName("relay_host_pkey");
        });
        modelBuilder.Entity<AuditProgressRow>(progress =>
        {
            progress.ToTable("audit_progress");
            progress.HasKey(p => p.Scope).HasName("audit_progress_pkey");
        });
        modelBuilder.Entity<AuditFindingRow>(finding =>
        {
            finding.ToTable("audit_finding");
            finding.HasKey(f => f.PayoutId).HasName("audit_finding_pkey");
        });

        foreach (var entity in modelBuilder.Model.GetEntityTypes())
        {
            foreach (var property in entity.GetProperties())
                property.SetColumnName(ScreamingSnake.Of(property.Name).ToLowerInvariant());
        }
    }
}
