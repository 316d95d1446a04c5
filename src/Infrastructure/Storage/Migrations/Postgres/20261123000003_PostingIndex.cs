using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Postgres;

namespace PayoutManager.Infrastructure.Storage.Migrations.Postgres;

/// <summary>
/// The index by which a payout's postings are found; the incumbent's table has none. Made while the table is in use, and
/// made anew where an earlier start of this was cut off: what that leaves is an index that is never used.
/// </summary>
[DbContext(typeof(PostgresPayoutDbContext))]
[Migration("20261123000003_PostingIndex")]
public partial class PostingIndex : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            DO $$ BEGIN
                IF EXISTS (
                    SELECT FROM pg_index
                    WHERE indexrelid = to_regclass('pm.cash_flow_posting_payout_id_idx') AND NOT indisvalid)
                THEN DROP INDEX pm.cash_flow_posting_payout_id_idx;
                END IF;
            END $$;
            """);

        // It waits for every older transaction, which may take longer than any other statement may wait for a lock; nobody
        // waits for it.
        migrationBuilder.Sql("SET lock_timeout = 0", suppressTransaction: true);
        migrationBuilder.Sql(
            """
            CREATE INDEX CONCURRENTLY IF NOT EXISTS cash_flow_posting_payout_id_idx
                ON pm.cash_flow_posting (payout_id)
            """,
            suppressTransaction: true);
    }
}
