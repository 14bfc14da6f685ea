-- Statements about the instances that share the tables: each has a row in postoffice_instances,
-- with an epoch (a process with an older one is fenced), a watermark and a beat.

-- After lock_shared or lock_alone in each transaction of an instance. Fails if its row is gone or
-- has another epoch (schema/002_instances.sql).
-- name: fence
SELECT postoffice_fence($1::text, $2::int, $3::bigint);

-- One row, or none if another process has taken this instance's place ($5: take it back all the
-- same). An instance that has stopped has everything in the tables. A file queue knows its own
-- watermark ($4); for a shard ($2 >= 0), its earlier workers knew more than a new one.
-- The result: the epoch, the remembered cutoff, the oldest watermark of the others, and whether the
-- row is new.
-- name: register_instance
WITH old AS MATERIALIZED (
  SELECT watermark, stopped FROM postoffice_instances
  WHERE publisher = $1::text AND shard = $2::int),
allowed AS (
  UPDATE postoffice_expiry SET last_epoch = last_epoch + 1
  WHERE $5::boolean OR NOT EXISTS (SELECT FROM old WHERE stopped IS NULL)
  RETURNING last_epoch, cutoff),
others AS MATERIALIZED (
  SELECT min(watermark + CASE WHEN stopped IS NULL THEN interval '0' ELSE now() - stopped END)
  AS watermark FROM postoffice_instances WHERE publisher <> $1 OR shard <> $2),
made AS (
  INSERT INTO postoffice_instances (publisher, shard, name, epoch, watermark, beat)
  SELECT $1, $2, $3::text, allowed.last_epoch,
    CASE WHEN $2 < 0 THEN $4::timestamptz
         ELSE coalesce(greatest((SELECT watermark FROM old),
                                CASE WHEN EXISTS (SELECT FROM old) THEN $4 END),
                       others.watermark, '-infinity') END,
    now() FROM allowed, others
  ON CONFLICT (publisher, shard) DO UPDATE SET name = excluded.name, epoch = excluded.epoch,
    watermark = excluded.watermark, beat = excluded.beat, stopped = NULL)
SELECT allowed.last_epoch, allowed.cutoff, coalesce(others.watermark, '-infinity'),
  NOT EXISTS (SELECT FROM old) FROM allowed, others;

-- The process that has the place of a fenced instance. No row: the place is free.
-- name: find_successor
SELECT name, extract(epoch FROM now() - beat)::bigint FROM postoffice_instances
WHERE publisher = $1::text AND shard = $2::int AND stopped IS NULL;

-- This queue's watermark. A shard's callbacks are stamped by its publishers ($4), so its rows have
-- no clock of their own.
-- name: publish
UPDATE postoffice_instances SET watermark = greatest(watermark, $3::timestamptz),
  beat = now(), stopped = NULL, ahead = $5::interval, unsure = $6::interval
WHERE shard = $2::int
AND ((publisher = $1::text AND epoch = $7::bigint) OR publisher = ANY($4::text[]));

-- The oldest watermark, the time, and the silent instance that holds deletes back most. A publisher
-- has one row for each shard, and counts once.
-- name: survey
WITH silent AS MATERIALIZED (
  SELECT publisher, shard, name, watermark, now() - beat AS age FROM postoffice_instances
  WHERE stopped IS NULL AND beat < now() - interval '60 s')
SELECT coalesce(w.watermark, '-infinity'), clock_timestamp(),
  (SELECT count(DISTINCT CASE publisher WHEN '' THEN 'shard-' || shard ELSE publisher END)
   FROM silent),
  s.publisher, s.shard, s.name, extract(epoch FROM s.age)::bigint
FROM postoffice_watermark AS w
LEFT JOIN (SELECT * FROM silent ORDER BY watermark, publisher, shard LIMIT 1) AS s ON true;

-- name: stop_instance
UPDATE postoffice_instances SET watermark = greatest(watermark, $3::timestamptz),
  beat = now(), stopped = now() WHERE publisher = $1::text AND shard = $2::int;

-- name: remove_publisher
DELETE FROM postoffice_instances WHERE publisher = $1::text AND shard = $2::int;

-- The rest is for the administration of instances, in separate sessions.

-- The lock of lock_alone, with the session's own limit for waiting.
-- name: lock_registry
SELECT pg_advisory_xact_lock(1347375956, 'postoffice_expiry'::regclass::oid::int);

-- Publishers of a shard keep their names. The watermark of new rows holds no deletes back.
-- name: register_publisher
WITH bound AS MATERIALIZED (
  SELECT greatest(watermark, cutoff) AS watermark
  FROM postoffice_watermark, postoffice_expiry),
epochs AS (
  UPDATE postoffice_expiry SET last_epoch = last_epoch + 1 RETURNING last_epoch),
made AS (
  INSERT INTO postoffice_instances (publisher, shard, name, epoch, watermark, beat)
  SELECT $1::text, k, $2::text, last_epoch, bound.watermark, now()
  FROM generate_series(0, $3::int - 1) AS k, bound, epochs
  ON CONFLICT (publisher, shard) DO UPDATE SET
    name = excluded.name, epoch = excluded.epoch, beat = excluded.beat, stopped = NULL),
shards AS (
  INSERT INTO postoffice_instances (publisher, shard, name, epoch, watermark, beat)
  SELECT '', k, '', 0, bound.watermark, now() FROM generate_series(0, $3 - 1) AS k, bound
  ON CONFLICT (publisher, shard) DO NOTHING)
SELECT watermark FROM bound;

-- Before retire: a session of the retired instance may be suspended within a transaction, holding
-- locks.
-- name: end_sessions
SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity AS a
JOIN postoffice_instances AS i
  ON a.application_name = 'postoffice-' || i.publisher || '.' || i.shard
WHERE (i.publisher = lower($1::text) OR i.name = $1) AND i.publisher <> ''
AND a.usename = current_user;

-- A shard can be retired only by its number. The name in its row is its worker's: retiring that
-- name would release the shard.
-- name: retire
DELETE FROM postoffice_instances WHERE publisher <> ''
AND (publisher = lower($1::text) OR name = $1)
OR publisher = '' AND 'shard-' || shard = lower($1);

-- name: list_instances
SELECT publisher, shard, name, epoch, watermark, beat, stopped, clock_timestamp()
FROM postoffice_instances ORDER BY shard, publisher;

-- Workers divide the shards among those that are alive.
-- name: beat_worker
WITH gone AS (
  DELETE FROM postoffice_workers WHERE beat < now() - interval '1 hour' AND name <> $1::text)
INSERT INTO postoffice_workers (name, beat) VALUES ($1, now())
ON CONFLICT (name) DO UPDATE SET beat = excluded.beat;

-- name: live_workers
SELECT name FROM postoffice_workers WHERE beat > now() - interval '5 seconds'
ORDER BY name;
