using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Postgres;

namespace PayoutManager.Infrastructure.Storage.Migrations.Postgres;

/// <summary>
/// What has become of the tries to finish an operation, and the indexes by which recovery finds operations. Those are made while the
/// table is in use, and made anew where an earlier start of this was cut off.
/// </summary>
[DbContext(typeof(PostgresPayoutDbContext))]
[Migration("20261127000002_TroubledOperations")]
public partial class TroubledOperations : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            -- A statement that waits for a table's lock makes everybody else wait behind it.
            SET LOCAL lock_timeout = '300ms';

            -- Of the same type as the incumbent's, which costs no rewrite: a distributed database keeps equal ids together by it.
            ALTER TABLE pm.payout_operation
                ALTER COLUMN payout_id TYPE character varying,
                ADD COLUMN IF NOT EXISTS failed_tries integer NOT NULL DEFAULT 0,
                ADD COLUMN IF NOT EXISTS last_error text,
                ADD COLUMN IF NOT EXISTS next_try_at timestamp with time zone;

            DO $$ BEGIN
                IF EXISTS (
                    SELECT FROM pg_index
                    WHERE indexrelid = to_regclass('pm.payout_operation_due_idx') AND NOT indisvalid)
                THEN DROP INDEX pm.payout_operation_due_idx;
                END IF;
                IF EXISTS (
                    SELECT FROM pg_index
                    WHERE indexrelid = to_regclass('pm.payout_operation_troubled_idx') AND NOT indisvalid)
                THEN DROP INDEX pm.payout_operation_troubled_idx;
                END IF;
            END $$;
            """);

        migrationBuilder.Sql("SET lock_timeout = 0", suppressTransaction: true);
        migrationBuilder.Sql(
            """
            CREATE INDEX CONCURRENTLY IF NOT EXISTS payout_operation_due_idx
                ON pm.payout_operation (GREATEST(lease_until, next_try_at), payout_id) WHERE lease_until IS NOT NULL
            """,
            suppressTransaction: true);
        migrationBuilder.Sql(
            """
            CREATE INDEX CONCURRENTLY IF NOT EXISTS payout_operation_troubled_idx
                ON pm.payout_operation (next_try_at) WHERE next_try_at IS NOT NULL
            """,
            suppressTransaction: true);
        migrationBuilder.Sql(
            "DROP INDEX CONCURRENTLY IF EXISTS pm.payout_operation_lease_until_idx", suppressTransaction: true);
    }
}
