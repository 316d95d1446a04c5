-- Makes every unique key of the payouts' tables contain payout_id, as a table needs that is spread over several machines by it.
-- One way: the predecessor's own keys are gone afterwards. May run while hosts are at work; see docs/scale.md.
--
--   psql --set ON_ERROR_STOP=1 --file 1-keys.sql DATABASE
--
-- Repeat it if it was cut off, after dropping an index that it has left invalid.

SET lock_timeout = 0;
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS payout_key ON pm.payout (payout_id, id);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS cash_flow_posting_key ON pm.cash_flow_posting (payout_id, id);

SET lock_timeout = '300ms';
ALTER TABLE pm.payout
    DROP CONSTRAINT payout_id_pkey, ADD CONSTRAINT payout_id_pkey PRIMARY KEY USING INDEX payout_key;
ALTER TABLE pm.cash_flow_posting
    DROP CONSTRAINT posting_id_pkey, ADD CONSTRAINT posting_id_pkey PRIMARY KEY USING INDEX cash_flow_posting_key;

-- What only hosts of the version before the lanes need. None may be left.
DROP TRIGGER IF EXISTS payout_event_inserted ON pm.payout_event;
DROP TRIGGER IF EXISTS payout_event_marked ON pm.payout_event;
DROP FUNCTION IF EXISTS pm.keep_outbox_as_marked();
DROP INDEX IF EXISTS pm.payout_event_unpublished_idx;
DROP TABLE IF EXISTS pm.relay_lease;
