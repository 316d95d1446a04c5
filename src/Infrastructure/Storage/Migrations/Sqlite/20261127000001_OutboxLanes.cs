using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Sqlite;

namespace PayoutManager.Infrastructure.Storage.Migrations.Sqlite;

/// <summary>The outbox with its lanes, apart from the history of events.</summary>
[DbContext(typeof(SqlitePayoutDbContext))]
[Migration("20261127000001_OutboxLanes")]
public partial class OutboxLanes : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE TABLE event_outbox (
            id           INTEGER NOT NULL CONSTRAINT event_outbox_pkey PRIMARY KEY AUTOINCREMENT,
            payout_id    TEXT    NOT NULL,
            sequence_id  INTEGER NOT NULL,
            lane         INTEGER NOT NULL,
            payload      BLOB    NOT NULL,
            trace_parent TEXT,
            stored_at    TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
        );
        CREATE UNIQUE INDEX event_outbox_payout_id_sequence_id_key ON event_outbox (payout_id, sequence_id);
        CREATE INDEX event_outbox_stored_at_idx ON event_outbox (stored_at, id);

        -- SQLite cannot compute lanes. Events of before share one, which keeps each payout's in order as long as they are there.
        INSERT INTO event_outbox (payout_id, sequence_id, lane, payload, trace_parent, stored_at)
        SELECT payout_id, sequence_id, 0, payload, trace_parent, stored_at FROM payout_event WHERE published_at IS NULL ORDER BY id;
        DROP INDEX payout_event_unpublished_idx;
        ALTER TABLE payout_event DROP COLUMN published_at;

        DROP TABLE relay_lease;
        CREATE TABLE relay_lane (
            lane        INTEGER NOT NULL CONSTRAINT relay_lane_pkey PRIMARY KEY,
            owner       TEXT,
            lease_until TEXT
        );
        INSERT INTO relay_lane (lane) VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15);
        CREATE TABLE relay_host (
            owner         TEXT NOT NULL CONSTRAINT relay_host_pkey PRIMARY KEY,
            present_until TEXT NOT NULL
        );
        """);
}
