-- What each session is set to before it checks or creates the schema. A word behind a colon, as in
-- psql, is a value: milliseconds.

-- A transaction that is reported as done is on stable storage. (commit_soon makes exceptions.)
SET synchronous_commit = on;
SET client_encoding = 'UTF8';
SET default_transaction_isolation = 'read committed';
SET statement_timeout = :statement_timeout;
SET lock_timeout = :lock_timeout;
SET idle_in_transaction_session_timeout = :statement_timeout;

-- One plan each, made once: rows are found by their ids, in the order of the arrays. With what these
-- leave, the statements in apply.sql and expire.sql have one plan only.
SET plan_cache_mode = force_generic_plan;
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off;
SET enable_bitmapscan = off; SET jit = off;
