using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Sqlite;

namespace PayoutManager.Infrastructure.Storage.Migrations.Sqlite;

/// <summary>
/// How far the audit has come and what it has found, and the index by which it reads events in the order in which they were stored.
/// </summary>
[DbContext(typeof(SqlitePayoutDbContext))]
[Migration("20261129000001_AuditProgress")]
public partial class AuditProgress : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE audit_progress (
            scope       TEXT    NOT NULL CONSTRAINT audit_progress_pkey PRIMARY KEY,
            stored_at   TEXT    NOT NULL,
            event_id    INTEGER NOT NULL,
            payout_id   TEXT,
            owner       TEXT,
            lease_until TEXT
        );
        INSERT INTO audit_progress (scope, stored_at, event_id)
        VALUES ('changes', strftime('%Y-%m-%d %H:%M:%f', 'now'), 0), ('all', '1970-01-01 00:00:00', 0);
        CREATE TABLE audit_finding (
            payout_id     TEXT    NOT NULL CONSTRAINT audit_finding_pkey PRIMARY KEY,
            kind          TEXT    NOT NULL,
            description   TEXT    NOT NULL,
            disagrees     INTEGER NOT NULL,
            since         TEXT    NOT NULL,
            first_seen_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
            last_seen_at  TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
        );
        CREATE INDEX payout_event_stored_at_idx ON payout_event (stored_at, id);
        DROP INDEX payout_event_created_at_idx;
        """);
}
