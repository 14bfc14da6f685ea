#include "postgres/schema.hpp"

#include "postgres/each_row.hpp"

namespace postoffice::postgres {
namespace {

// Every row is rewritten every few seconds. Without an index on the changing columns and with free
// space on each page the new version stays on its page (HOT), and needs no vacuum.
//
// A table that the user has made before, partitioned say, is taken if it fits.
constexpr const char* version_1 = R"(
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
)";

// The watermark of a queue that was stopped with nothing left in it is its clock, which goes on.
// One told by a fast clock means an earlier time to a slow one, by which the rows may be stamped.
const std::string version_2 = std::string(R"(
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

    CREATE FUNCTION postoffice_fence(text, int, bigint) RETURNS void LANGUAGE plpgsql AS $fence$
    BEGIN
      IF NOT EXISTS (SELECT FROM postoffice_instances
                     WHERE publisher = $1 AND shard = $2 AND epoch = $3) THEN
        RAISE EXCEPTION 'this instance was retired, or another took its place'
          USING ERRCODE = ')") +
                              fenced_state + R"(';
      END IF;
    END $fence$;
)";

// Asks pg_class itself: to_regclass() may answer from a cache that is older than the lock.
constexpr const char* read_version = R"(
  IF EXISTS (SELECT FROM pg_class
             WHERE relname = 'postoffice_schema'
             AND relnamespace = quote_ident(place)::regnamespace) THEN
    EXECUTE format('SELECT coalesce(max(version), 0) FROM %I.postoffice_schema', place) INTO found;
  END IF;
)";

// A script around `action`, which runs when the version found (0: none) is older than ours.
std::string script(const std::string& action) {
  return R"(DO $script$
DECLARE
  place text := current_schema();
  found int := 0;
  known int := )" +
         std::to_string(schema_version) + R"(;
BEGIN
  IF place IS NULL THEN
    RAISE EXCEPTION 'no schema of the search_path (%) exists', current_setting('search_path')
      USING ERRCODE = '3F000';
  END IF;
)" + read_version +
         action +
         R"(
  IF found > known THEN
    RAISE EXCEPTION 'schema "%" has version %, newer than % which this program knows',
      place, found, known USING ERRCODE = ')" +
         newer_schema_state + R"(';
  END IF;
END $script$;)";
}

}  // namespace

std::string migration_script() {
  return script(std::string(R"(
  IF found < known THEN
    PERFORM pg_advisory_xact_lock(1347375957, hashtext(place));
)") + read_version +
                R"(
  END IF;
  IF found < known AND NOT has_schema_privilege(place, 'CREATE') THEN
    RAISE EXCEPTION 'no right to create in schema "%"', place USING ERRCODE = '42501';
  END IF;
  IF found < 1 THEN
)" + version_1 +
                R"(
    INSERT INTO postoffice_schema VALUES (1);
  END IF;
  IF found < 2 THEN
)" + version_2 +
                R"(
    UPDATE postoffice_schema SET version = 2;
  END IF;
  IF found < 3 THEN
)" + held_table +
                only_some_function + apply_each_function + expire_each_function + R"(
    UPDATE postoffice_schema SET version = 3;
  END IF;
)");
}

std::string schema_check_script() {
  return script(std::string(R"(
  IF found < known THEN
    RAISE EXCEPTION 'schema "%" is missing or older than this program; run the migration first',
      place USING ERRCODE = ')") +
                older_schema_state + R"(';
  END IF;
)");
}

}  // namespace postoffice::postgres
