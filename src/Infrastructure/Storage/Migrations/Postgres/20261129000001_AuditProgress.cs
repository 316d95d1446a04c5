using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Postgres;

namespace PayoutManager.Infrastructure.Storage.Migrations.Postgres;

/// <summary>
/// How far the audit has come and what it has found, and the index by which it reads events in the order in which they were stored. That
/// stands in the place of one that nothing else used.
/// </summary>
/// <remarks>The audit begins with what is stored from now on, as it did with each start of a host.</remarks>
[DbContext(typeof(PostgresPayoutDbContext))]
[Migration("20261129000001_AuditProgress")]
public partial class AuditProgress : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.Sql(
            """
            -- The migration before may have set none.
            SET LOCAL lock_timeout = '300ms';

            CREATE TABLE IF NOT EXISTS pm.audit_progress (
                scope       text                     NOT NULL,
                stored_at   timestamp with time zone NOT NULL,
                event_id    bigint                   NOT NULL,
                payout_id   character varying,
                owner       text,
                lease_until timestamp with time zone,
                CONSTRAINT audit_progress_pkey PRIMARY KEY (scope)
            );
            INSERT INTO pm.audit_progress (scope, stored_at, event_id)
            VALUES ('changes', clock_timestamp(), 0), ('all', '1970-01-01 00:00:00+00', 0)
            ON CONFLICT (scope) DO NOTHING;

            CREATE TABLE IF NOT EXISTS pm.audit_finding (
                payout_id     character varying        NOT NULL,
                kind          text                     NOT NULL,
                description   text                     NOT NULL,
                disagrees     boolean                  NOT NULL,
                since         timestamp with time zone NOT NULL,
                first_seen_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
                last_seen_at  timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
                CONSTRAINT audit_finding_pkey PRIMARY KEY (payout_id)
            );

            -- On a table that is in use it has been made by now (PreparedIndexes); on a new one, which is empty, it is made here.
            CREATE INDEX IF NOT EXISTS payout_event_stored_at_idx ON pm.payout_event (stored_at, id);
            DROP INDEX IF EXISTS pm.payout_event_created_at_idx;
            """);
    }
}
