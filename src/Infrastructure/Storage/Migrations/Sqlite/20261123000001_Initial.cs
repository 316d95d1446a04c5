using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace PayoutManager.Infrastructure.Storage.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "cash_flow_posting",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    payout_id = table.Column<string>(type: "TEXT", nullable: false),
                    created_at = table.Column<DateTime>(type: "TEXT", nullable: false),
                    from_account_id = table.Column<long>(type: "INTEGER", nullable: false),
                    from_account_type = table.Column<string>(type: "TEXT", nullable: false),
                    to_account_id = table.Column<long>(type: "INTEGER", nullable: false),
                    to_account_type = table.Column<string>(type: "TEXT", nullable: false),
                    amount = table.Column<long>(type: "INTEGER", nullable: false),
                    currency_code = table.Column<string>(type: "TEXT", nullable: false),
                    description = table.Column<string>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("posting_id_pkey", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "payout",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    sequence_id = table.Column<int>(type: "INTEGER", nullable: false),
                    payout_id = table.Column<string>(type: "TEXT", nullable: false),
                    created_at = table.Column<DateTime>(type: "TEXT", nullable: false),
                    party_id = table.Column<string>(type: "TEXT", nullable: false),
                    shop_id = table.Column<string>(type: "TEXT", nullable: false),
                    status = table.Column<string>(type: "TEXT", nullable: false),
                    payout_tool_id = table.Column<string>(type: "TEXT", nullable: true),
                    amount = table.Column<long>(type: "INTEGER", nullable: false),
                    fee = table.Column<long>(type: "INTEGER", nullable: false, defaultValue: 0L),
                    currency_code = table.Column<string>(type: "TEXT", nullable: false),
                    cancel_details = table.Column<string>(type: "TEXT", nullable: true),
                    hold_attempt = table.Column<int>(type: "INTEGER", nullable: false, defaultValue: 1)
                },
                constraints: table =>
                {
                    table.PrimaryKey("payout_id_pkey", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "payout_event",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    payout_id = table.Column<string>(type: "TEXT", nullable: false),
                    sequence_id = table.Column<int>(type: "INTEGER", nullable: false),
                    created_at = table.Column<DateTime>(type: "TEXT", nullable: false),
                    payload = table.Column<byte[]>(type: "BLOB", nullable: false),
                    published_at = table.Column<DateTime>(type: "TEXT", nullable: true),
                    stored_at = table.Column<DateTime>(type: "TEXT", nullable: false, defaultValueSql: "(strftime('%Y-%m-%d %H:%M:%f', 'now'))"),
                    trace_parent = table.Column<string>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("payout_event_pkey", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "payout_operation",
                columns: table => new
                {
                    payout_id = table.Column<string>(type: "TEXT", nullable: false),
                    kind = table.Column<string>(type: "TEXT", nullable: false),
                    attempt = table.Column<int>(type: "INTEGER", nullable: false),
                    owner = table.Column<string>(type: "TEXT", nullable: true),
                    lease_until = table.Column<DateTime>(type: "TEXT", nullable: true),
                    request = table.Column<string>(type: "TEXT", nullable: true),
                    started_at = table.Column<DateTime>(type: "TEXT", nullable: false, defaultValueSql: "(strftime('%Y-%m-%d %H:%M:%f', 'now'))")
                },
                constraints: table =>
                {
                    table.PrimaryKey("payout_operation_pkey", x => x.payout_id);
                });

            migrationBuilder.CreateTable(
                name: "relay_lease",
                columns: table => new
                {
                    id = table.Column<int>(type: "INTEGER", nullable: false),
                    owner = table.Column<string>(type: "TEXT", nullable: true),
                    lease_until = table.Column<DateTime>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("relay_lease_pkey", x => x.id);
                });

            migrationBuilder.InsertData(
                table: "relay_lease",
                columns: new[] { "id", "lease_until", "owner" },
                values: new object[] { 1, null, null });

            migrationBuilder.CreateIndex(
                name: "cash_flow_posting_payout_id_idx",
                table: "cash_flow_posting",
                column: "payout_id");

            migrationBuilder.CreateIndex(
                name: "payout_payout_id_ukey",
                table: "payout",
                column: "payout_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "payout_event_payout_id_sequence_id_key",
                table: "payout_event",
                columns: new[] { "payout_id", "sequence_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "payout_event_created_at_idx",
                table: "payout_event",
                column: "created_at");

            migrationBuilder.CreateIndex(
                name: "payout_event_unpublished_idx",
                table: "payout_event",
                column: "id",
                filter: "published_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "payout_operation_lease_until_idx",
                table: "payout_operation",
                column: "lease_until",
                filter: "lease_until IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "cash_flow_posting");

            migrationBuilder.DropTable(
                name: "payout");

            migrationBuilder.DropTable(
                name: "payout_event");

            migrationBuilder.DropTable(
                name: "payout_operation");

            migrationBuilder.DropTable(
                name: "relay_lease");
        }
    }
}
