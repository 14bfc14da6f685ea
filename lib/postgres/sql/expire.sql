-- Statements that delete expired rows (ObjectStore::expire()): first the cutoff is remembered, then
-- rows are deleted in small transactions, each after lock_shared.
--
-- The rule (S6) has two parts, which are written out in each statement that needs them and must stay
-- the same in all of them (tests/postgres/statements_test.cpp compares them):
--   * "bound", the cutoff: the one asked for, but never later than what was remembered, nor than
--     the oldest watermark of all instances less one ttl. It is read in the deleting statement
--     itself.
--     * A row is deleted if its last_seen lies before that, and so does its held receipt, if there
--     is one (postoffice_held).

-- Before lock_alone: while that waits, no other session can write.
-- name: lock_briefly
SELECT set_config('lock_timeout', '500ms', true);

-- In a separate transaction, after lock_alone. The cutoff never goes back.
-- $1: the cutoff, $2: one ttl.
-- name: remember_cutoff
UPDATE postoffice_expiry AS e SET cutoff = bound.cutoff
FROM (SELECT least($1::timestamptz, watermark - $2::interval) AS cutoff
      FROM postoffice_watermark) AS bound
WHERE e.cutoff < bound.cutoff;

-- The next three are run with it once a minute.
-- name: forget_removals
DELETE FROM postoffice_removed WHERE fetched_at < $1::timestamptz - interval '10 minutes';

-- name: forget_held
DELETE FROM postoffice_held WHERE last_seen < $1::timestamptz - interval '10 minutes';

-- name: forget_stopped
DELETE FROM postoffice_instances WHERE stopped < now() - interval '1 day';

-- The pages of the largest partition, and how many partitions there are; inheriting tables count as
-- partitions.
-- name: table_pages
WITH RECURSIVE tree AS (
  SELECT 'objects'::regclass::oid AS relid
  UNION ALL SELECT i.inhrelid FROM pg_inherits AS i JOIN tree ON i.inhparent = tree.relid)
SELECT coalesce(max(pg_relation_size(c.oid)), 0) / current_setting('block_size')::bigint, count(*)
FROM tree JOIN pg_class AS c ON c.oid = tree.relid WHERE c.relkind = 'r';

-- Rows with known ids. $1: ids, $2: the cutoff, $3: one ttl.
-- name: expire_ids
WITH bound AS MATERIALIZED (
  SELECT (SELECT least($2::timestamptz, e.cutoff, w.watermark - $3::interval)
          FROM postoffice_expiry AS e, postoffice_watermark AS w) AS cutoff)
DELETE FROM objects AS o USING unnest($1::bigint[]) AS given(id)
WHERE o.id = ANY (ARRAY[given.id])
AND o.last_seen < (SELECT cutoff FROM bound)
AND NOT EXISTS (SELECT FROM postoffice_held AS h
  WHERE h.id = o.id AND h.last_seen >= (SELECT cutoff FROM bound) OFFSET 0);

-- All rows, a part of the table at a time by place (of each partition, if there are any), so that
-- each statement is short whatever the size of the table. $1: the cutoff, $2 and $3: the first
-- place, and the one behind the last, $4: one ttl.
-- name: expire_pages
WITH bound AS MATERIALIZED (
  SELECT (SELECT least($1::timestamptz, e.cutoff, w.watermark - $4::interval)
          FROM postoffice_expiry AS e, postoffice_watermark AS w) AS cutoff)
DELETE FROM objects AS o USING (
  SELECT id FROM objects WHERE ctid >= $2::tid AND ctid < $3::tid
  AND last_seen < (SELECT cutoff FROM bound) ORDER BY id OFFSET 0) AS old
WHERE o.id = ANY (ARRAY[old.id])
AND o.last_seen < (SELECT cutoff FROM bound)
AND NOT EXISTS (SELECT FROM postoffice_held AS h
  WHERE h.id = o.id AND h.last_seen >= (SELECT cutoff FROM bound) OFFSET 0);

-- The same. The result: how many rows were deleted, and the oldest receipt that remains.
-- name: expire_pages_and_tell
WITH bound AS MATERIALIZED (
  SELECT (SELECT least($1::timestamptz, e.cutoff, w.watermark - $4::interval)
          FROM postoffice_expiry AS e, postoffice_watermark AS w) AS cutoff),
gone AS (
  DELETE FROM objects AS o USING (
    SELECT id FROM objects WHERE ctid >= $2::tid AND ctid < $3::tid
    AND last_seen < (SELECT cutoff FROM bound) ORDER BY id OFFSET 0) AS old
  WHERE o.id = ANY (ARRAY[old.id])
  AND o.last_seen < (SELECT cutoff FROM bound)
  AND NOT EXISTS (SELECT FROM postoffice_held AS h
    WHERE h.id = o.id AND h.last_seen >= (SELECT cutoff FROM bound) OFFSET 0)
  RETURNING 1)
SELECT (SELECT count(*) FROM gone),
  least((SELECT min(last_seen) FROM objects WHERE ctid >= $2::tid AND ctid < $3::tid
         AND last_seen >= (SELECT cutoff FROM bound)),
        (SELECT min(last_seen) FROM postoffice_held
         WHERE last_seen >= (SELECT cutoff FROM bound)));

-- The next two are run if one of the above has failed because of a row. They skip locked rows and
-- return refused ones: the function (schema/003_refused_rows.sql) checks last_seen and
-- postoffice_held as those above do. The result: one row with the number of deleted rows and the
-- oldest receipt left; and one for each refusal.
-- name: expire_ids_each
WITH bound AS MATERIALIZED (
  SELECT (SELECT least($2::timestamptz, e.cutoff, w.watermark - $3::interval)
          FROM postoffice_expiry AS e, postoffice_watermark AS w) AS cutoff)
SELECT coalesce(e.gone, 0), NULL::timestamptz, e.id, e.code, e.reason, e.locked
FROM bound LEFT JOIN LATERAL postoffice_expire_each($1::bigint[], bound.cutoff) AS e ON true;

-- name: expire_pages_each
WITH bound AS MATERIALIZED (
  SELECT (SELECT least($1::timestamptz, e.cutoff, w.watermark - $4::interval)
          FROM postoffice_expiry AS e, postoffice_watermark AS w) AS cutoff)
SELECT coalesce(e.gone, 0),
  least((SELECT min(last_seen) FROM objects WHERE ctid >= $2::tid AND ctid < $3::tid
         AND last_seen >= (SELECT cutoff FROM bound)),
        (SELECT min(last_seen) FROM postoffice_held
         WHERE last_seen >= (SELECT cutoff FROM bound))),
  e.id, e.code, e.reason, e.locked
FROM bound LEFT JOIN LATERAL postoffice_expire_each(
  ARRAY(SELECT id FROM objects WHERE ctid >= $2::tid AND ctid < $3::tid
        AND last_seen < (SELECT cutoff FROM bound)), bound.cutoff) AS e ON true;
