-- Spreads the payouts' tables over the workers of a Citus cluster, each payout's rows together. All hosts have to be stopped.
-- After 1-keys.sql, on the coordinator:
--
--   psql --set ON_ERROR_STOP=1 --set database=DATABASE --set role=ROLE --file 2-distribute.sql DATABASE
--
-- ROLE is whom the hosts connect as.

BEGIN;
SELECT create_distributed_table('pm.payout', 'payout_id', shard_count => 32);
SELECT create_distributed_table('pm.cash_flow_posting', 'payout_id', colocate_with => 'pm.payout');
SELECT create_distributed_table('pm.payout_operation', 'payout_id', colocate_with => 'pm.payout');
SELECT create_distributed_table('pm.payout_event', 'payout_id', colocate_with => 'pm.payout');
SELECT create_distributed_table('pm.event_outbox', 'payout_id', colocate_with => 'pm.payout');
SELECT create_distributed_table('pm.audit_finding', 'payout_id', colocate_with => 'pm.payout');
SELECT create_reference_table('pm.payout_manager_migration');
-- Few rows that change often: they stay on the coordinator, and can be asked for from everywhere.
SELECT citus_add_local_table_to_metadata('pm.relay_lane');
SELECT citus_add_local_table_to_metadata('pm.relay_host');
SELECT citus_add_local_table_to_metadata('pm.audit_progress');
COMMIT;

-- A coordinator does not pass on what hosts ask for when they connect. Generic plans would send statements to all workers.
ALTER ROLE :"role" IN DATABASE :"database" SET default_transaction_isolation = 'read committed';
ALTER ROLE :"role" IN DATABASE :"database" SET lock_timeout = '1s';
ALTER ROLE :"role" IN DATABASE :"database" SET plan_cache_mode = 'auto';
SELECT run_command_on_workers(format(
    'ALTER ROLE %I IN DATABASE %I SET default_transaction_isolation = ''read committed''', :'role', :'database'));
SELECT run_command_on_workers(format('ALTER ROLE %I IN DATABASE %I SET lock_timeout = ''1s''', :'role', :'database'));
