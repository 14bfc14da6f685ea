#include "postgres/statements.hpp"

namespace postoffice::postgres {
namespace {

// How several writers (daemons) on one schema stay exact:
//
// Every apply holds a lock of the schema, shared, from before its first snapshot to its commit. Two
// kinds of transactions hold it alone: one with removals, so that no answer slips past a removal
// that is not yet visible; the one in which expire() raises the cutoff, so that every row created
// under the old cutoff is visible to the deletes that follow; and one in which an instance
// registers or is retired. Deletes hold it shared. So no delete goes on by watermarks read before
// an instance registered, and no write of an instance is under way once another has taken its
// place.
//
// Rows are locked in rising id: touches and answers are updated by one statement, from arrays that
// are sorted, and each row is looked up by its key, one after the other.
//
// That must hold whatever the statistics say, which of a table that was just emptied say that it
// has no rows. With `o.id = given.id` the planner may then walk the table and compare each row with
// all that is given, and it keeps that plan when the rows have come. What is written here leaves it
// no other way than from what is given to the index: of two tables `o.id = ANY (ARRAY[given.id])`,
// which no join but a nested loop can use, and only with the index inside; and subqueries that
// OFFSET 0 keeps from becoming joins. (tests/postgres/plans_test.cpp)
#define SCHEMA_LOCK "(1347375956, 'postoffice_expiry'::regclass::oid::int)"

// Once that lock is held: somebody who has locked a row is not waited for, as everything behind
// would wait, too. What follows passes by such rows (postoffice_apply_each).
#define WAIT_FOR_ROWS ", set_config('lock_timeout', '250ms', true)"

// A touch is an answer that was fetched at '-infinity': it wins nothing and creates nothing.
#define GIVEN_ROWS                                                       \
  "(SELECT unnest($1::bigint[]) AS id, unnest($2::boolean[]) AS online," \
  " unnest($3::timestamptz[]) AS last_seen, unnest($4::timestamptz[]) AS fetched_at) AS given"

// The row of `o` with that id, by the index of its key. Never `=`: see above.
#define HAS_ID(row, id) " " row ".id = ANY (ARRAY[" id "])"
#define NO_OBJECT(given) " NOT EXISTS (SELECT FROM objects AS o WHERE o.id = " given ".id OFFSET 0)"

// Counts the given rows that were not updated, for the statement behind it. Mostly there are none,
// and that one then has nothing to look up.
#define COUNT_UNMATCHED                                                                            \
  " RETURNING 1)"                                                                                  \
  " SELECT set_config('postoffice.unmatched', (cardinality($1::bigint[]) - count(*))::text, true)" \
  " FROM updated"
#define SOME_UNMATCHED "current_setting('postoffice.unmatched') <> '0'"

constexpr const char* touch_sql =
    "WITH updated AS (UPDATE objects AS o SET last_seen = given.last_seen"
    " FROM (SELECT unnest($1::bigint[]) AS id, unnest($2::timestamptz[]) AS last_seen) AS given"
    " WHERE" HAS_ID("o", "given.id") " AND o.last_seen < given.last_seen" COUNT_UNMATCHED;

// Not part of the UPDATE: its snapshot would still show rows that another transaction has deleted.
constexpr const char* missing_sql =
    "SELECT given.id FROM unnest($1::bigint[]) AS given(id)"
    " WHERE " SOME_UNMATCHED " AND" NO_OBJECT("given");

constexpr const char* update_sql =
    "WITH updated AS (UPDATE objects AS o SET"
    " online = CASE WHEN o.fetched_at < given.fetched_at THEN given.online ELSE o.online END,"
    " last_seen = greatest(o.last_seen, given.last_seen),"
    " fetched_at = greatest(o.fetched_at, given.fetched_at)"
    " FROM " GIVEN_ROWS
    " WHERE" HAS_ID("o", "given.id")
    " AND (o.last_seen < given.last_seen OR o.fetched_at < given.fetched_at)" COUNT_UNMATCHED;

// Runs after update_sql, for what that found no row for. The result: touches without a row, and
// answers refused because of the cutoff.
constexpr const char* create_sql =
    "WITH fresh AS MATERIALIZED ("
    "  SELECT given.* FROM " GIVEN_ROWS "  WHERE " SOME_UNMATCHED
    "  AND" NO_OBJECT("given") "),"
    " bound AS MATERIALIZED ("
    "  SELECT greatest($5::timestamptz, max(cutoff)) AS cutoff FROM postoffice_expiry),"
    " created AS ("
    "  INSERT INTO objects AS o (id, online, last_seen, fetched_at)"
    "  SELECT fresh.id, fresh.online, fresh.last_seen, fresh.fetched_at FROM fresh"
    "  WHERE fresh.fetched_at > '-infinity' AND fresh.last_seen >= (SELECT cutoff FROM bound)"
    "  AND NOT EXISTS (SELECT FROM postoffice_removed AS r"
    "                  WHERE r.id = fresh.id AND r.fetched_at >= fresh.fetched_at OFFSET 0)"
    "  ON CONFLICT (id) DO UPDATE SET"
    "   online = CASE WHEN o.fetched_at < excluded.fetched_at"
    "            THEN excluded.online ELSE o.online END,"
    "   last_seen = greatest(o.last_seen, excluded.last_seen),"
    "   fetched_at = greatest(o.fetched_at, excluded.fetched_at)"
    "  WHERE o.last_seen < excluded.last_seen OR o.fetched_at < excluded.fetched_at),"
    " revived AS ("
    "  DELETE FROM postoffice_removed AS r USING fresh"
    "  WHERE" HAS_ID("r", "fresh.id") " AND r.fetched_at < fresh.fetched_at"
    "  AND fresh.last_seen >= (SELECT cutoff FROM bound))"
    " SELECT fresh.id, fresh.fetched_at > '-infinity' FROM fresh"
    " WHERE fresh.fetched_at = '-infinity' OR fresh.last_seen < (SELECT cutoff FROM bound)";

// A removal and a row never stay side by side: either the row was newer, or it goes.
constexpr const char* remove_sql =
    "WITH given AS MATERIALIZED ("
    "  SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[])"
    "  AS given(id, last_seen, fetched_at)),"
    " gone AS ("
    "  DELETE FROM objects AS o USING given"
    "  WHERE" HAS_ID("o", "given.id") " AND o.fetched_at <= given.fetched_at),"
    " kept AS ("
    "  UPDATE objects AS o SET last_seen = given.last_seen FROM given"
    "  WHERE" HAS_ID("o", "given.id") " AND o.fetched_at > given.fetched_at"
    "  AND o.last_seen < given.last_seen)"
    " INSERT INTO postoffice_removed AS r (id, fetched_at)"
    " SELECT given.id, given.fetched_at FROM given"
    " WHERE NOT EXISTS (SELECT FROM objects AS o"
    "                   WHERE o.id = given.id AND o.fetched_at > given.fetched_at OFFSET 0)"
    " ON CONFLICT (id) DO UPDATE SET fetched_at = excluded.fetched_at"
    " WHERE r.fetched_at < excluded.fetched_at";

constexpr const char* add_dead_letters_sql =
    "INSERT INTO dead_letters (id, received_at, failed_at, attempts, reason)"
    " SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::int[],"
    " $5::text[])"
    " ON CONFLICT (id) DO UPDATE SET received_at = excluded.received_at,"
    " failed_at = excluded.failed_at, attempts = excluded.attempts, reason = excluded.reason";

// How far all instances have come, less one ttl ($margin); never beyond what was remembered before.
#define DELETE_CUTOFF(cutoff, margin)                                      \
  "(SELECT least(" cutoff "::timestamptz, e.cutoff, w.watermark - " margin \
  "::interval) FROM postoffice_expiry AS e, postoffice_watermark AS w)"

constexpr const char* remember_cutoff_sql =
    "UPDATE postoffice_expiry AS e SET cutoff = bound.cutoff"
    " FROM (SELECT least($1::timestamptz, watermark - $2::interval) AS cutoff"
    "       FROM postoffice_watermark) AS bound"
    " WHERE e.cutoff < bound.cutoff";

#define WITH_BOUND(cutoff, margin) \
  "WITH bound AS MATERIALIZED (SELECT " DELETE_CUTOFF(cutoff, margin) " AS cutoff)"

// Old by its row, and by the receipt that could not be written to it (postoffice_held).
#define IS_OLD                                        \
  " o.last_seen < (SELECT cutoff FROM bound)"         \
  " AND NOT EXISTS (SELECT FROM postoffice_held AS h" \
  "  WHERE h.id = o.id AND h.last_seen >= (SELECT cutoff FROM bound) OFFSET 0)"

constexpr const char* expire_ids_sql =
    WITH_BOUND("$2", "$3")
    " DELETE FROM objects AS o USING unnest($1::bigint[]) AS given(id)"
    " WHERE" HAS_ID("o", "given.id") " AND" IS_OLD;

// A part of the table by place, of each partition if it has any, so that each statement is short
// whatever the size of the table.
#define IN_PAGES " ctid >= $2::tid AND ctid < $3::tid"
#define DELETE_PAGES                                                          \
  "DELETE FROM objects AS o USING ("                                          \
  "  SELECT id FROM objects WHERE" IN_PAGES                                   \
  "  AND last_seen < (SELECT cutoff FROM bound) ORDER BY id OFFSET 0) AS old" \
  " WHERE" HAS_ID("o", "old.id") " AND" IS_OLD

// The oldest receipt of what stays.
#define OLDEST_LEFT                                           \
  " least((SELECT min(last_seen) FROM objects WHERE" IN_PAGES \
  "   AND last_seen >= (SELECT cutoff FROM bound)),"          \
  "  (SELECT min(last_seen) FROM postoffice_held WHERE last_seen >= (SELECT cutoff FROM bound)))"

constexpr const char* expire_pages_sql = WITH_BOUND("$1", "$4") " " DELETE_PAGES;

constexpr const char* expire_pages_and_tell_sql =
    WITH_BOUND("$1", "$4") ", gone AS (" DELETE_PAGES
                           " RETURNING 1)"
                           " SELECT (SELECT count(*) FROM gone)," OLDEST_LEFT;

// The same, row by row where need be: what is locked is passed by, what is refused is told. The
// first row has the number of rows that went, and the oldest left; each other one a refusal.
#define TELL_EXPIRED(ids, oldest)       \
  " SELECT coalesce(e.gone, 0)," oldest \
  ", e.id, e.code, e.reason, e.locked"  \
  " FROM bound LEFT JOIN LATERAL postoffice_expire_each(" ids ", bound.cutoff) AS e ON true"

constexpr const char* expire_ids_each_sql =
    WITH_BOUND("$2", "$3") TELL_EXPIRED("$1::bigint[]", " NULL::timestamptz");

constexpr const char* expire_pages_each_sql = WITH_BOUND("$1", "$4") TELL_EXPIRED(
    "ARRAY(SELECT id FROM objects WHERE" IN_PAGES " AND last_seen < (SELECT cutoff FROM bound))",
    OLDEST_LEFT);

constexpr const char* apply_each_sql =
    "SELECT id, found, code, reason, locked FROM postoffice_apply_each($1::bigint[], $2::int[],"
    " $3::boolean[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],"
    " $8::int[], $9::text[], $10::timestamptz)";

constexpr const char* hold_sql =
    "INSERT INTO postoffice_held AS h (id, last_seen)"
    " SELECT * FROM unnest($1::bigint[], $2::timestamptz[])"
    " ON CONFLICT (id) DO UPDATE SET last_seen = excluded.last_seen"
    " WHERE h.last_seen < excluded.last_seen";

// With partitions, and with tables that inherit: how many there are, and the pages of the largest.
constexpr const char* table_pages_sql =
    "WITH RECURSIVE tree AS ("
    "  SELECT 'objects'::regclass::oid AS relid"
    "  UNION ALL SELECT i.inhrelid FROM pg_inherits AS i JOIN tree ON i.inhparent = tree.relid)"
    " SELECT coalesce(max(pg_relation_size(c.oid)), 0) / current_setting('block_size')::bigint,"
    " count(*) FROM tree JOIN pg_class AS c ON c.oid = tree.relid WHERE c.relkind = 'r'";

// One row, or none where another has taken this instance's place ($5: take it back all the same).
// One that has stopped has left nothing behind that is not in the tables. A file queue
// knows itself how far it has come; of a shard, those before knew more than one who has just come.
// The result: the epoch, the remembered cutoff, the oldest watermark of the others, and whether the
// row is new.
constexpr const char* register_sql =
    "WITH old AS MATERIALIZED ("
    "  SELECT watermark, stopped FROM postoffice_instances"
    "  WHERE publisher = $1::text AND shard = $2::int),"
    " allowed AS ("
    "  UPDATE postoffice_expiry SET last_epoch = last_epoch + 1"
    "  WHERE $5::boolean OR NOT EXISTS (SELECT FROM old WHERE stopped IS NULL)"
    "  RETURNING last_epoch, cutoff),"
    " others AS MATERIALIZED ("
    "  SELECT min(watermark + CASE WHEN stopped IS NULL THEN interval '0' ELSE now() - stopped END)"
    "  AS watermark FROM postoffice_instances WHERE publisher <> $1 OR shard <> $2),"
    " made AS ("
    "  INSERT INTO postoffice_instances (publisher, shard, name, epoch, watermark, beat)"
    "  SELECT $1, $2, $3::text, allowed.last_epoch,"
    "  CASE WHEN $2 < 0 THEN $4::timestamptz"
    "       ELSE coalesce(greatest((SELECT watermark FROM old),"
    "                              CASE WHEN EXISTS (SELECT FROM old) THEN $4 END),"
    "                     others.watermark, '-infinity') END,"
    "  now() FROM allowed, others"
    "  ON CONFLICT (publisher, shard) DO UPDATE SET name = excluded.name, epoch = excluded.epoch,"
    "  watermark = excluded.watermark, beat = excluded.beat, stopped = NULL)"
    " SELECT allowed.last_epoch, allowed.cutoff, coalesce(others.watermark, '-infinity'),"
    " NOT EXISTS (SELECT FROM old) FROM allowed, others";

// No row: the place is free, or left.
constexpr const char* find_successor_sql =
    "SELECT name, extract(epoch FROM now() - beat)::bigint FROM postoffice_instances"
    " WHERE publisher = $1::text AND shard = $2::int AND stopped IS NULL";

// The oldest watermark, the time, and who holds deletes without having told anything for long. A
// publisher has one part in each shard.
constexpr const char* survey_sql =
    "WITH silent AS MATERIALIZED ("
    "  SELECT publisher, shard, name, watermark, now() - beat AS age FROM postoffice_instances"
    "  WHERE stopped IS NULL AND beat < now() - interval '60 s')"
    " SELECT coalesce(w.watermark, '-infinity'), clock_timestamp(),"
    " (SELECT count(DISTINCT CASE publisher WHEN '' THEN 'shard-' || shard ELSE publisher END)"
    "  FROM silent),"
    " s.publisher, s.shard, s.name, extract(epoch FROM s.age)::bigint FROM postoffice_watermark AS "
    "w"
    " LEFT JOIN (SELECT * FROM silent ORDER BY watermark, publisher, shard LIMIT 1) AS s ON true";

// A shard's callbacks are stamped by its publishers: its rows are given no clock of their own.
constexpr const char* publish_sql =
    "UPDATE postoffice_instances SET watermark = greatest(watermark, $3::timestamptz),"
    " beat = now(), stopped = NULL, ahead = $5::interval, unsure = $6::interval WHERE shard = "
    "$2::int"
    " AND ((publisher = $1::text AND epoch = $7::bigint) OR publisher = ANY($4::text[]))";

// Publishers of a shard keep their names; the watermark that new rows get holds nobody back.
constexpr const char* register_publisher_sql =
    "WITH bound AS MATERIALIZED ("
    "  SELECT greatest(watermark, cutoff) AS watermark"
    "  FROM postoffice_watermark, postoffice_expiry),"
    " epochs AS ("
    "  UPDATE postoffice_expiry SET last_epoch = last_epoch + 1 RETURNING last_epoch),"
    " made AS ("
    "  INSERT INTO postoffice_instances (publisher, shard, name, epoch, watermark, beat)"
    "  SELECT $1::text, k, $2::text, last_epoch, bound.watermark, now()"
    "  FROM generate_series(0, $3::int - 1) AS k, bound, epochs"
    "  ON CONFLICT (publisher, shard) DO UPDATE SET"
    "  name = excluded.name, epoch = excluded.epoch, beat = excluded.beat, stopped = NULL),"
    " shards AS ("
    "  INSERT INTO postoffice_instances (publisher, shard, name, epoch, watermark, beat)"
    "  SELECT '', k, '', 0, bound.watermark, now() FROM generate_series(0, $3 - 1) AS k, bound"
    "  ON CONFLICT (publisher, shard) DO NOTHING)"
    " SELECT watermark FROM bound";

// A session of what is retired may stand still in the middle of a transaction, holding locks.
constexpr const char* end_sessions_sql =
    "SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity AS a"
    " JOIN postoffice_instances AS i ON a.application_name ="
    "  'postoffice-' || i.publisher || '.' || i.shard"
    " WHERE (i.publisher = lower($1::text) OR i.name = $1) AND i.publisher <> ''"
    " AND a.usename = current_user";

// The name of a shard's row is its worker's: to retire that would let go of the shard.
constexpr const char* retire_sql =
    "DELETE FROM postoffice_instances WHERE publisher <> ''"
    " AND (publisher = lower($1::text) OR name = $1)"
    " OR publisher = '' AND 'shard-' || shard = lower($1)";

constexpr const char* list_instances_sql =
    "SELECT publisher, shard, name, epoch, watermark, beat, stopped, clock_timestamp()"
    " FROM postoffice_instances ORDER BY shard, publisher";

constexpr const char* beat_worker_sql =
    "WITH gone AS (DELETE FROM postoffice_workers WHERE beat < now() - interval '1 hour'"
    "  AND name <> $1::text)"
    " INSERT INTO postoffice_workers (name, beat) VALUES ($1, now())"
    " ON CONFLICT (name) DO UPDATE SET beat = excluded.beat";

constexpr StatementText texts[] = {
    {"postoffice_log_position", "SELECT pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn()"},
    // A message for nobody: the least that makes the server wait for its log at the commit.
    {"postoffice_flush_log", "SELECT pg_logical_emit_message(true, 'postoffice', '')"},
    {"postoffice_lock_shared", "SELECT pg_advisory_xact_lock_shared" SCHEMA_LOCK WAIT_FOR_ROWS},
    {"postoffice_lock_alone", "SELECT pg_advisory_xact_lock" SCHEMA_LOCK WAIT_FOR_ROWS},
    {"postoffice_touch", touch_sql},
    {"postoffice_missing", missing_sql},
    {"postoffice_update", update_sql},
    {"postoffice_create", create_sql},
    {"postoffice_remove", remove_sql},
    {"postoffice_clear_dead_letters",
     "DELETE FROM dead_letters AS d USING unnest($1::bigint[]) AS given(id)"
     " WHERE" HAS_ID("d", "given.id")},
    {"postoffice_add_dead_letters", add_dead_letters_sql},
    {"postoffice_apply_each", apply_each_sql},
    {"postoffice_hold", hold_sql},
    {"postoffice_remember_cutoff", remember_cutoff_sql},
    {"postoffice_forget_removals",
     "DELETE FROM postoffice_removed WHERE fetched_at < $1::timestamptz - interval '10 minutes'"},
    {"postoffice_forget_held",
     "DELETE FROM postoffice_held WHERE last_seen < $1::timestamptz - interval '10 minutes'"},
    {"postoffice_table_pages", table_pages_sql},
    {"postoffice_expire_ids", expire_ids_sql},
    {"postoffice_expire_ids_each", expire_ids_each_sql},
    {"postoffice_expire_pages", expire_pages_sql},
    {"postoffice_expire_pages_and_tell", expire_pages_and_tell_sql},
    {"postoffice_expire_pages_each", expire_pages_each_sql},
    {"postoffice_lock_briefly", "SELECT set_config('lock_timeout', '500ms', true)"},
    {"postoffice_commit_soon", "SELECT set_config('synchronous_commit', 'off', true)"},
    {"postoffice_discard_plans", "DISCARD PLANS"},
    {"postoffice_fence", "SELECT postoffice_fence($1::text, $2::int, $3::bigint)"},
    {"postoffice_register", register_sql},
    {"postoffice_publish", publish_sql},
    {"postoffice_find_successor", find_successor_sql},
    {"postoffice_survey", survey_sql},
    {"postoffice_stop_instance",
     "UPDATE postoffice_instances SET watermark = greatest(watermark, $3::timestamptz),"
     " beat = now(), stopped = now() WHERE publisher = $1::text AND shard = $2::int"},
    {"postoffice_remove_publisher",
     "DELETE FROM postoffice_instances WHERE publisher = $1::text AND shard = $2::int"},
    {"postoffice_forget_stopped",
     "DELETE FROM postoffice_instances WHERE stopped < now() - interval '1 day'"},
    {"postoffice_lock_registry", "SELECT pg_advisory_xact_lock" SCHEMA_LOCK},
    {"postoffice_register_publisher", register_publisher_sql},
    {"postoffice_end_sessions", end_sessions_sql},
    {"postoffice_retire", retire_sql},
    {"postoffice_list_instances", list_instances_sql},
    {"postoffice_beat_worker", beat_worker_sql},
    {"postoffice_live_workers",
     "SELECT name FROM postoffice_workers WHERE beat > now() - interval '5 seconds'"
     " ORDER BY name"},
    {"postoffice_find_one",
     "SELECT id, online, last_seen, fetched_at FROM objects WHERE id = $1"
     " AND ($2::boolean IS NULL OR online = $2)"},
    {"postoffice_find_page",
     "SELECT id, online, last_seen, fetched_at FROM objects WHERE id >= $1"
     " AND ($2::boolean IS NULL OR online = $2) ORDER BY id LIMIT $3::bigint"},
    {"postoffice_find_dead_letters",
     "SELECT id, received_at, failed_at, attempts, reason FROM dead_letters WHERE id >= $1"
     " ORDER BY id LIMIT $2::bigint"},
};

static_assert(std::size(texts) == static_cast<std::size_t>(Statement::find_dead_letters) + 1);

}  // namespace

std::span<const StatementText> statements(Purpose purpose) {
  constexpr auto first_write = static_cast<std::size_t>(Statement::lock_shared);
  constexpr auto first_registry = static_cast<std::size_t>(Statement::lock_registry);
  constexpr auto first_read = static_cast<std::size_t>(Statement::find_one);
  const std::span<const StatementText> all(texts);
  switch (purpose) {
    case Purpose::writing: return all.subspan(first_write, first_registry - first_write);
    case Purpose::writing_ahead: return all.first(first_registry);
    case Purpose::registry: return all.subspan(first_registry, first_read - first_registry);
    case Purpose::reading: break;
  }
  return all.subspan(first_read);
}

const char* name_of(Statement statement) { return texts[static_cast<std::size_t>(statement)].name; }

std::string session_settings(long long statement_timeout) {
  const std::string timeout = std::to_string(statement_timeout);
  const std::string lock_timeout = std::to_string(statement_timeout / 2);
  return "SET synchronous_commit = on;"
         "SET client_encoding = 'UTF8';"
         "SET default_transaction_isolation = 'read committed';"
         "SET statement_timeout = " +
         timeout +
         ";"
         "SET lock_timeout = " +
         lock_timeout +
         ";"
         "SET idle_in_transaction_session_timeout = " +
         timeout +
         ";"
         // One plan each, made once: rows are found by their ids, in the order of the arrays. (With
         // what these leave, the statements above have one plan only.)
         "SET plan_cache_mode = force_generic_plan;"
         "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off;"
         "SET enable_bitmapscan = off; SET jit = off;";
}

}  // namespace postoffice::postgres
