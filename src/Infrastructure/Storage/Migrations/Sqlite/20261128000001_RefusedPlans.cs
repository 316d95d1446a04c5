using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Sqlite;

namespace PayoutManager.Infrastructure.Storage.Migrations.Sqlite;

/// <summary>Whether the ledger refused the plan of an attempt to an earlier operation.</summary>
[DbContext(typeof(SqlitePayoutDbContext))]
[Migration("20261128000001_RefusedPlans")]
public partial class RefusedPlans : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) =>
        migrationBuilder.AddColumn<bool>("plan_refused", "payout_operation", "INTEGER", nullable: false, defaultValue: false);
}
