using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Postgres;

namespace PayoutManager.Infrastructure.Storage.Migrations.Postgres;

/// <summary>Whether the ledger refused the plan of an attempt to an earlier operation.</summary>
[DbContext(typeof(PostgresPayoutDbContext))]
[Migration("20261128000001_RefusedPlans")]
public partial class RefusedPlans : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- A statement that waits for a table's lock makes everybody else wait behind it.
        SET LOCAL lock_timeout = '300ms';
        ALTER TABLE pm.payout_operation ADD COLUMN IF NOT EXISTS plan_refused boolean NOT NULL DEFAULT false;
        """);
}
