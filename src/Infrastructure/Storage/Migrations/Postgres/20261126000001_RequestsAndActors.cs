using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Postgres;

namespace PayoutManager.Infrastructure.Storage.Migrations.Postgres;

/// <summary>
/// What each payout was asked for by, and who asked for each change; and the status that rows of a later variant of the predecessor
/// may have. Columns that may be null are added without a rewrite of their tables.
/// </summary>
[DbContext(typeof(PostgresPayoutDbContext))]
[Migration("20261126000001_RequestsAndActors")]
public partial class RequestsAndActors : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- The migration before may have set none. A statement that waits for a table's lock makes everybody else wait behind it.
        SET LOCAL lock_timeout = '300ms';

        ALTER TYPE pm.payout_status ADD VALUE IF NOT EXISTS 'FAILED';

        -- The tables in the order in which applying a change locks them.
        ALTER TABLE pm.payout_operation ADD COLUMN IF NOT EXISTS actor text, ADD COLUMN IF NOT EXISTS reason text;
        ALTER TABLE pm.payout ADD COLUMN IF NOT EXISTS request_digest character varying;
        ALTER TABLE pm.payout_event ADD COLUMN IF NOT EXISTS actor text, ADD COLUMN IF NOT EXISTS reason text;
        """);
}
