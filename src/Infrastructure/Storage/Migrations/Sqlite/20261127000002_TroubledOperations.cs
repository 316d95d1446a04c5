using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Sqlite;

namespace PayoutManager.Infrastructure.Storage.Migrations.Sqlite;

/// <summary>What has become of the tries to finish an operation.</summary>
[DbContext(typeof(SqlitePayoutDbContext))]
[Migration("20261127000002_TroubledOperations")]
public partial class TroubledOperations : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.AddColumn<int>("failed_tries", "payout_operation", "INTEGER", nullable: false, defaultValue: 0);
        migrationBuilder.AddColumn<string>("last_error", "payout_operation", "TEXT", nullable: true);
        migrationBuilder.AddColumn<string>("next_try_at", "payout_operation", "TEXT", nullable: true);
    }
}
