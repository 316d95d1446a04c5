-- A database as the predecessor's own migrations leave it: facts of its schema, to be adopted.
CREATE SCHEMA pm;

CREATE TABLE pm.schema_version (
    installed_rank integer                     NOT NULL,
    version        character varying(50),
    description    character varying(200)      NOT NULL,
    type           character varying(20)       NOT NULL,
    script         character varying(1000)     NOT NULL,
    checksum       integer,
    installed_by   character varying(100)      NOT NULL,
    installed_on   timestamp without time zone NOT NULL DEFAULT now(),
    execution_time integer                     NOT NULL,
    success        boolean                     NOT NULL,
    CONSTRAINT schema_version_pk PRIMARY KEY (installed_rank)
);
CREATE INDEX schema_version_s_idx ON pm.schema_version (success);
INSERT INTO pm.schema_version
VALUES (0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', '"pm"', NULL, 'postgres', '2021-08-01', 0, true),
       (1, '1', 'init', 'SQL', 'V1__init.sql', -1234567, 'postgres', '2021-08-01', 35, true);

CREATE TYPE pm.payout_status AS ENUM ('UNPAID', 'PAID', 'CONFIRMED', 'CANCELLED');
CREATE TYPE pm.account_type AS ENUM (
    'MERCHANT_SETTLEMENT', 'MERCHANT_GUARANTEE', 'MERCHANT_PAYOUT', 'PROVIDER_SETTLEMENT', 'SYSTEM_SETTLEMENT',
    'EXTERNAL_INCOME', 'EXTERNAL_OUTCOME');

CREATE TABLE pm.payout (
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

CREATE TABLE pm.cash_flow_posting (
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
