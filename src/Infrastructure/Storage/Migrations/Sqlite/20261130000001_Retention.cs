using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Sqlite;

namespace PayoutManager.Infrastructure.Storage.Migrations.Sqlite;

/// <summary>The indexes by which retention finds what is old.</summary>
[DbContext(typeof(SqlitePayoutDbContext))]
[Migration("20261130000001_Retention")]
public partial class Retention : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE INDEX payout_event_first_idx ON payout_event (stored_at, id) WHERE sequence_id = 0;
        CREATE INDEX payout_operation_spent_idx ON payout_operation (started_at, payout_id) WHERE kind = 'spent';
        """);
}
