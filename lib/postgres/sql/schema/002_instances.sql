-- Version 2: several instances on one schema. Runs within migrate.sql.

CREATE TABLE postoffice_instances (
  publisher text,
  shard int,
  name text NOT NULL,
  epoch bigint NOT NULL,
  watermark timestamptz NOT NULL,
  beat timestamptz NOT NULL,
  stopped timestamptz,
  ahead interval NOT NULL DEFAULT '0',
  unsure interval NOT NULL DEFAULT '0',
  PRIMARY KEY (publisher, shard)
) WITH (fillfactor = 10);
COMMENT ON TABLE postoffice_instances IS
  'the queues that share these tables: a publisher''s own (shard -1), a shard (publisher empty), '
  'and a publisher''s part in a shard';
COMMENT ON COLUMN postoffice_instances.watermark IS
  'what was received earlier is in the tables; what expired is deleted by the oldest of these';

COMMENT ON COLUMN postoffice_instances.ahead IS
  'the clock of its watermark less the server''s, give or take "unsure"';

-- The oldest watermark of all instances. That of a queue that was stopped with nothing left in it
-- advances like a clock. A watermark from a fast clock means an earlier time by a slow clock, which
-- may have stamped the rows: so it is reduced by as much as the two may differ.
CREATE VIEW postoffice_watermark AS
  SELECT min(i.watermark
      + CASE WHEN i.stopped IS NULL THEN interval '0' ELSE now() - i.stopped END
      - coalesce((SELECT max(greatest(interval '0', i.ahead + i.unsure - j.ahead + j.unsure))
                  FROM postoffice_instances AS j WHERE i.shard < 0 AND j.shard < 0
                  AND j.publisher <> i.publisher), '0')) AS watermark
  FROM postoffice_instances AS i;

CREATE TABLE postoffice_workers (
  name text PRIMARY KEY,
  beat timestamptz NOT NULL
) WITH (fillfactor = 10);

ALTER TABLE postoffice_expiry ADD COLUMN last_epoch bigint NOT NULL DEFAULT 0;

-- Fails in a transaction of an instance that was retired, or whose place another process has taken.
CREATE FUNCTION postoffice_fence(text, int, bigint) RETURNS void LANGUAGE plpgsql AS $fence$
BEGIN
  IF NOT EXISTS (SELECT FROM postoffice_instances
                 WHERE publisher = $1 AND shard = $2 AND epoch = $3) THEN
    RAISE EXCEPTION 'this instance was retired, or another took its place'
      USING ERRCODE = 'PO003';
  END IF;
END $fence$;
