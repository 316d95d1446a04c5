using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using PayoutManager.Infrastructure.Storage.Postgres;

namespace PayoutManager.Infrastructure.Storage.Migrations.Postgres;

/// <summary>The tables that the incumbent made, as it made them. Where they are there already, nothing happens.</summary>
[DbContext(typeof(PostgresPayoutDbContext))]
[Migration("20261123000001_IncumbentTables")]
public partial class IncumbentTables : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        CREATE SCHEMA IF NOT EXISTS pm;

        DO $$ BEGIN
            CREATE TYPE pm.payout_status AS ENUM ('UNPAID', 'PAID', 'CONFIRMED', 'CANCELLED');
        EXCEPTION WHEN duplicate_object THEN NULL;
        END $$;

        DO $$ BEGIN
            CREATE TYPE pm.account_type AS ENUM (
                'MERCHANT_SETTLEMENT', 'MERCHANT_GUARANTEE', 'MERCHANT_PAYOUT', 'PROVIDER_SETTLEMENT',
                'SYSTEM_SETTLEMENT', 'EXTERNAL_INCOME', 'EXTERNAL_OUTCOME');
        EXCEPTION WHEN duplicate_object THEN NULL;
        END $$;

        CREATE TABLE IF NOT EXISTS pm.payout (
            id             bigserial                   NOT NULL,
            sequence_id    integer                     NOT NULL,
            payout_id      character varying           NOT NULL,
            created_at     timestamp without time zone NOT NULL,
            party_id       character varying           NOT NULL,
            shop_id        character varying           NOT NULL,
            status         pm.payout_status            NOT NULL,
            payout_tool_id character varying,
            amount         bigint                      NOT NULL,
            fee            bigint                      NOT NULL DEFAULT 0,
            currency_code  character varying           NOT NULL,
            cancel_details character varying,
            CONSTRAINT payout_id_pkey PRIMARY KEY (id),
            CONSTRAINT payout_payout_id_ukey UNIQUE (payout_id)
        );

        CREATE TABLE IF NOT EXISTS pm.cash_flow_posting (
            id                bigserial                   NOT NULL,
            payout_id         character varying           NOT NULL,
            created_at        timestamp without time zone NOT NULL,
            from_account_id   bigint                      NOT NULL,
            from_account_type pm.account_type             NOT NULL,
            to_account_id     bigint                      NOT NULL,
            to_account_type   pm.account_type             NOT NULL,
            amount            bigint                      NOT NULL,
            currency_code     character varying           NOT NULL,
            description       character varying,
            CONSTRAINT posting_id_pkey PRIMARY KEY (id)
        );
        """);
}
