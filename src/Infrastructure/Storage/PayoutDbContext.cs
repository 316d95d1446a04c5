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

    public DbSet<RelayLeaseRow> RelayLeases => Set<RelayLeaseRow>();

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
        });
        modelBuilder.Entity<EventRow>(outboxEvent =>
        {
            outboxEvent.ToTable("payout_event");
            outboxEvent.HasKey(e => e.Id).HasName("payout_event_pkey");
            outboxEvent.HasIndex(e => new { e.PayoutId, e.SequenceId })
                .IsUnique()
                .HasDatabaseName("payout_event_payout_id_sequence_id_key");
            outboxEvent.HasIndex(e => e.Id)
                .HasFilter("published_at IS NULL")
                .HasDatabaseName("payout_event_unpublished_idx");
            outboxEvent.HasIndex(e => e.CreatedAt).HasDatabaseName("payout_event_created_at_idx");
        });
        modelBuilder.Entity<RelayLeaseRow>(lease =>
        {
            lease.ToTable("relay_lease");
            lease.HasKey(l => l.Id).HasName("relay_lease_pkey");
            lease.Property(l => l.Id).ValueGeneratedNever();
            lease.HasData(new RelayLeaseRow { Id = RelayLeaseRow.OnlyId });
        });

        foreach (var entity in modelBuilder.Model.GetEntityTypes())
        {
            foreach (var property in entity.GetProperties())
                property.SetColumnName(ScreamingSnake.Of(property.Name).ToLowerInvariant());
        }
    }
}
