-- Statements that write to the tables: one call of ObjectStore::apply() is one transaction of some
-- of these, in the order of this file. How these files are read: sql/README.md.
--
-- Several daemons may write to one schema. These rules keep the result exact:
--
-- Each transaction takes an advisory lock of the schema before its first snapshot, and holds it
-- until it commits. Most take it shared. These take it exclusively: a transaction with removals, so
-- that no answer misses a removal that is not visible yet; the one in which expire() raises the
-- cutoff, so that every row created under the old cutoff is visible to the deletes that follow; and
-- the one in which an instance registers or is retired. Deletes take it shared. So no delete uses
-- watermarks that were read before an instance registered, and no write of an instance is under way
-- once another has taken its place.
--
-- Rows are locked in rising id, so that two writers never wait for each other: touches and answers
-- are updated by one statement, from sorted arrays, one row after the other by its key.
--
-- That must hold whatever the statistics say; of a table that was just emptied they say that it has
-- no rows. With `o.id = given.id` the planner may then scan the table, compare each row with all
-- given ones, and keep that plan when rows have been added again. The form used here permits only
-- one plan, from the given rows to the index:
--   * of two tables, `o.id = ANY (ARRAY[given.id])`: no join but a nested loop can use that, and
--     only with the index inside;
--   * `EXISTS (… OFFSET 0)`, which is never turned into a join.
-- Please keep to both. tests/postgres/plans_test.cpp looks at the plans.

-- The key's second half is the table's oid, so that schemas of one database do not share the lock.
-- A transaction that holds it does not wait for a row locked by others, since all later
-- transactions would wait, too. apply_each skips such rows.
-- name: lock_shared
SELECT pg_advisory_xact_lock_shared(1347375956, 'postoffice_expiry'::regclass::oid::int),
  set_config('lock_timeout', '250ms', true);

-- name: lock_alone
SELECT pg_advisory_xact_lock(1347375956, 'postoffice_expiry'::regclass::oid::int),
  set_config('lock_timeout', '250ms', true);

-- Receipts of rows that were refused recently: they are kept here, and the row is not deleted
-- before its held receipt has expired, too.
-- name: hold
INSERT INTO postoffice_held AS h (id, last_seen)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[])
ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen
WHERE h.last_seen < excluded.last_seen;

-- Touches, if there are no answers. The number of them that found no row to update is stored in a
-- setting of the transaction for the next statement: mostly it is zero, and that statement then
-- looks nothing up. (A row whose last_seen is already newer counts, too.)
-- name: touch
WITH updated AS (
  UPDATE objects AS o SET last_seen = given.last_seen
  FROM (SELECT unnest($1::bigint[]) AS id, unnest($2::timestamptz[]) AS last_seen) AS given
  WHERE o.id = ANY (ARRAY[given.id]) AND o.last_seen < given.last_seen
  RETURNING 1)
SELECT set_config('postoffice.unmatched', (cardinality($1::bigint[]) - count(*))::text, true)
FROM updated;

-- After touch: ids that have no row. Not a part of the UPDATE, whose snapshot would still show rows
-- that another transaction has deleted meanwhile.
-- name: missing
SELECT given.id FROM unnest($1::bigint[]) AS given(id)
WHERE current_setting('postoffice.unmatched') <> '0'
AND NOT EXISTS (SELECT FROM objects AS o WHERE o.id = given.id OFFSET 0);

-- Answers and touches together. A touch is an answer that was fetched at '-infinity': its "online"
-- never wins, and it creates no row.
-- name: update
WITH updated AS (
  UPDATE objects AS o SET
    online = CASE WHEN o.fetched_at < given.fetched_at THEN given.online ELSE o.online END,
    last_seen = greatest(o.last_seen, given.last_seen),
    fetched_at = greatest(o.fetched_at, given.fetched_at)
  FROM (SELECT unnest($1::bigint[]) AS id, unnest($2::boolean[]) AS online,
          unnest($3::timestamptz[]) AS last_seen, unnest($4::timestamptz[]) AS fetched_at) AS given
  WHERE o.id = ANY (ARRAY[given.id])
  AND (o.last_seen < given.last_seen OR o.fetched_at < given.fetched_at)
  RETURNING 1)
SELECT set_config('postoffice.unmatched', (cardinality($1::bigint[]) - count(*))::text, true)
FROM updated;

-- After update, for ids without a row. No row is created with a last_seen before the cutoff (the
-- caller's, $5, or the remembered one, whichever is later), nor by an answer that was fetched
-- before the object was removed.
-- The result: touches without a row (false), and answers refused because of the cutoff (true).
-- name: create
WITH fresh AS MATERIALIZED (
  SELECT given.*
  FROM (SELECT unnest($1::bigint[]) AS id, unnest($2::boolean[]) AS online,
          unnest($3::timestamptz[]) AS last_seen, unnest($4::timestamptz[]) AS fetched_at) AS given
  WHERE current_setting('postoffice.unmatched') <> '0'
  AND NOT EXISTS (SELECT FROM objects AS o WHERE o.id = given.id OFFSET 0)),
bound AS MATERIALIZED (
  SELECT greatest($5::timestamptz, max(cutoff)) AS cutoff FROM postoffice_expiry),
created AS (
  INSERT INTO objects AS o (id, online, last_seen, fetched_at)
  SELECT fresh.id, fresh.online, fresh.last_seen, fresh.fetched_at FROM fresh
  WHERE fresh.fetched_at > '-infinity' AND fresh.last_seen >= (SELECT cutoff FROM bound)
  AND NOT EXISTS (SELECT FROM postoffice_removed AS r
                  WHERE r.id = fresh.id AND r.fetched_at >= fresh.fetched_at OFFSET 0)
  ON CONFLICT (id) DO UPDATE SET
    online = CASE WHEN o.fetched_at < excluded.fetched_at
             THEN excluded.online ELSE o.online END,
    last_seen = greatest(o.last_seen, excluded.last_seen),
    fetched_at = greatest(o.fetched_at, excluded.fetched_at)
  WHERE o.last_seen < excluded.last_seen OR o.fetched_at < excluded.fetched_at),
revived AS (
  DELETE FROM postoffice_removed AS r USING fresh
  WHERE r.id = ANY (ARRAY[fresh.id]) AND r.fetched_at < fresh.fetched_at
  AND fresh.last_seen >= (SELECT cutoff FROM bound))
SELECT fresh.id, fresh.fetched_at > '-infinity' FROM fresh
WHERE fresh.fetched_at = '-infinity' OR fresh.last_seen < (SELECT cutoff FROM bound);

-- An offline answer, with Keep::online. A removal and a row never exist side by side: either the
-- row was fetched later and stays, or it is deleted.
-- name: remove
WITH given AS MATERIALIZED (
  SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[])
  AS given(id, last_seen, fetched_at)),
gone AS (
  DELETE FROM objects AS o USING given
  WHERE o.id = ANY (ARRAY[given.id]) AND o.fetched_at <= given.fetched_at),
kept AS (
  UPDATE objects AS o SET last_seen = given.last_seen FROM given
  WHERE o.id = ANY (ARRAY[given.id]) AND o.fetched_at > given.fetched_at
  AND o.last_seen < given.last_seen)
INSERT INTO postoffice_removed AS r (id, fetched_at)
SELECT given.id, given.fetched_at FROM given
WHERE NOT EXISTS (SELECT FROM objects AS o
                  WHERE o.id = given.id AND o.fetched_at > given.fetched_at OFFSET 0)
ON CONFLICT (id) DO UPDATE SET fetched_at = excluded.fetched_at
WHERE r.fetched_at < excluded.fetched_at;

-- name: clear_dead_letters
DELETE FROM dead_letters AS d USING unnest($1::bigint[]) AS given(id)
WHERE d.id = ANY (ARRAY[given.id]);

-- name: add_dead_letters
INSERT INTO dead_letters (id, received_at, failed_at, attempts, reason)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::int[], $5::text[])
ON CONFLICT (id) DO UPDATE SET received_at = excluded.received_at,
  failed_at = excluded.failed_at, attempts = excluded.attempts, reason = excluded.reason;

-- All of the above row by row, after one row has made a transaction fail: see the function
-- (schema/003_refused_rows.sql).
-- name: apply_each
SELECT id, found, code, reason, locked FROM postoffice_apply_each($1::bigint[], $2::int[],
  $3::boolean[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
  $8::int[], $9::text[], $10::timestamptz);

-- First in a transaction whose commit does not wait: one whose rows are not awaited, or a large one
-- under PostgresObjectStoreOptions::synchronous_commit = false, which completes when the WAL is
-- known to be flushed beyond it.
-- name: commit_soon
SELECT set_config('synchronous_commit', 'off', true);

-- After such a commit: how far the WAL goes, and how far it is on stable storage.
-- name: log_position
SELECT pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn();

-- A message without a receiver: the smallest write that makes the server wait for its WAL at the
-- commit.
-- name: flush_log
SELECT pg_logical_emit_message(true, 'postoffice', '');

-- After a statement took too long. A statement is planned once for the session, and the tables may
-- have changed since.
-- name: discard_plans
DISCARD PLANS;
