-- Settings of each session before it checks or creates the schema. A word after a colon, as in
-- psql, is a value, in milliseconds.

-- A transaction that is reported as done is on stable storage. (commit_soon makes exceptions.)
SET synchronous_commit = on;
SET client_encoding = 'UTF8';
SET default_transaction_isolation = 'read committed';
SET statement_timeout = :statement_timeout;
SET lock_timeout = :lock_timeout;
SET idle_in_transaction_session_timeout = :statement_timeout;

-- Each statement has one plan, made once: rows are found by their ids, in the order of the arrays.
-- These settings leave the statements in apply.sql and expire.sql only one plan.
SET plan_cache_mode = force_generic_plan;
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off;
SET enable_bitmapscan = off; SET jit = off;
