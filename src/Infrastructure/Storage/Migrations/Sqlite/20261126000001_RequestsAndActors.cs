using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Sqlite;

namespace PayoutManager.Infrastructure.Storage.Migrations.Sqlite;

/// <summary>What each payout was asked for by, and who asked for each change.</summary>
[DbContext(typeof(SqlitePayoutDbContext))]
[Migration("20261126000001_RequestsAndActors")]
public partial class RequestsAndActors : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.AddColumn<string>("request_digest", "payout", "TEXT", nullable: true);
        foreach (var table in (string[])["payout_operation", "payout_event"])
        {
            migrationBuilder.AddColumn<string>("actor", table, "TEXT", nullable: true);
            migrationBuilder.AddColumn<string>("reason", table, "TEXT", nullable: true);
        }
    }
}
