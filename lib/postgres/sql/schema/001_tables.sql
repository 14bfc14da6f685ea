-- The tables of version 1. Runs within migrate.sql.
--
-- Every row of objects is rewritten every few seconds. Without an index on the columns that change,
-- and with free space on each page, the new version stays on its page (a HOT update), and needs no
-- vacuum.
--
-- A table that the user has made before, for example a partitioned one, is used if it fits.

IF NOT EXISTS (
  SELECT FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
  JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL
  WHERE c.relname = 'objects' AND c.relnamespace = quote_ident(place)::regnamespace
  AND c.relkind IN ('r', 'p') AND NOT a.attisdropped
  AND (a.attname, a.atttypid) IN (
    ('id', 'int8'::regtype), ('online', 'bool'::regtype),
    ('last_seen', 'timestamptz'::regtype), ('fetched_at', 'timestamptz'::regtype))
  AND pg_get_indexdef(i.indexrelid, 1, false) = 'id' AND i.indnkeyatts = 1
  GROUP BY i.indexrelid HAVING count(*) = 4) THEN
CREATE TABLE objects (
  id bigint PRIMARY KEY,
  online boolean NOT NULL,
  last_seen timestamptz NOT NULL,
  fetched_at timestamptz NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05,
        autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.5);
END IF;
COMMENT ON COLUMN objects.last_seen IS 'latest receipt of the id';
COMMENT ON COLUMN objects.fetched_at IS 'when the fetch that gave "online" began';

CREATE VIEW online_objects AS
  SELECT id, last_seen, fetched_at FROM objects WHERE online;

CREATE TABLE dead_letters (
  id bigint PRIMARY KEY,
  received_at timestamptz NOT NULL,
  failed_at timestamptz NOT NULL,
  attempts int NOT NULL,
  reason text NOT NULL
);

CREATE TABLE postoffice_expiry (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  cutoff timestamptz NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE postoffice_expiry IS 'no row of objects is created with an older last_seen';
INSERT INTO postoffice_expiry (cutoff) VALUES ('-infinity');

CREATE TABLE postoffice_removed (
  id bigint PRIMARY KEY,
  fetched_at timestamptz NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE postoffice_removed IS 'answers as old as this do not bring the object back';

CREATE TABLE postoffice_schema (version int PRIMARY KEY);
