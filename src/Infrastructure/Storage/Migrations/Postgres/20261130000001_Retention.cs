using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Postgres;

namespace PayoutManager.Infrastructure.Storage.Migrations.Postgres;

/// <summary>
/// The indexes by which retention finds what is old. On tables that are in use <see cref="PreparedIndexes"/> has made them by now; on new
/// ones, which are empty, they are made here.
/// </summary>
[DbContext(typeof(PostgresPayoutDbContext))]
[Migration("20261130000001_Retention")]
public partial class Retention : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- The migration before may have set none.
        SET LOCAL lock_timeout = '300ms';
        CREATE INDEX IF NOT EXISTS payout_event_first_idx ON pm.payout_event (stored_at, id) WHERE sequence_id = 0;
        CREATE INDEX IF NOT EXISTS payout_operation_spent_idx ON pm.payout_operation (started_at, payout_id) WHERE kind = 'spent';
        """);
}
