#include "postgres/statements.hpp"

namespace postoffice::postgres {
namespace {

// How several writers (daemons) on one schema stay exact:
//
// Every apply holds a lock of the schema, shared, from before its first snapshot to its commit. Two
// kinds of transactions hold it alone: one with removals, so that no answer slips past a removal
// that is not yet visible; and the one in which expire() raises the cutoff, so that every row
// created under the old cutoff is visible to the deletes that follow.
//
// Rows are locked in rising id: touches and answers are updated by one statement, from arrays that
// are sorted, and the session's settings leave the planner only nested loops over indexes.
#define SCHEMA_LOCK "(1347375956, 'postoffice_expiry'::regclass::oid::int)"

// A touch is an answer that was fetched at '-infinity': it wins nothing and creates nothing.
#define GIVEN_ROWS                                                       \
  "(SELECT unnest($1::bigint[]) AS id, unnest($2::boolean[]) AS online," \
  " unnest($3::timestamptz[]) AS last_seen, unnest($4::timestamptz[]) AS fetched_at) AS given"

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
    " WHERE o.id = given.id AND o.last_seen < given.last_seen" COUNT_UNMATCHED;

// Not part of the UPDATE: its snapshot would still show rows that another transaction has deleted.
constexpr const char* missing_sql =
    "SELECT given.id FROM unnest($1::bigint[]) AS given(id)"
    " WHERE " SOME_UNMATCHED " AND NOT EXISTS (SELECT FROM objects AS o WHERE o.id = given.id)";

constexpr const char* update_sql =
    "WITH updated AS (UPDATE objects AS o SET"
    " online = CASE WHEN o.fetched_at < given.fetched_at THEN given.online ELSE o.online END,"
    " last_seen = greatest(o.last_seen, given.last_seen),"
    " fetched_at = greatest(o.fetched_at, given.fetched_at)"
    " FROM " GIVEN_ROWS
    " WHERE o.id = given.id"
    " AND (o.last_seen < given.last_seen OR o.fetched_at < given.fetched_at)" COUNT_UNMATCHED;

// Runs after update_sql, for what that found no row for. The result: touches without a row, and
// answers refused because of the cutoff.
constexpr const char* create_sql =
    "WITH fresh AS MATERIALIZED ("
    "  SELECT given.* FROM " GIVEN_ROWS "  WHERE " SOME_UNMATCHED
    "  AND NOT EXISTS (SELECT FROM objects AS o WHERE o.id = given.id)),"
    " bound AS MATERIALIZED ("
    "  SELECT greatest($5::timestamptz, max(cutoff)) AS cutoff FROM postoffice_expiry),"
    " created AS ("
    "  INSERT INTO objects AS o (id, online, last_seen, fetched_at)"
    "  SELECT fresh.id, fresh.online, fresh.last_seen, fresh.fetched_at FROM fresh"
    "  WHERE fresh.fetched_at > '-infinity' AND fresh.last_seen >= (SELECT cutoff FROM bound)"
    "  AND NOT EXISTS (SELECT FROM postoffice_removed AS r"
    "                  WHERE r.id = fresh.id AND r.fetched_at >= fresh.fetched_at)"
    "  ON CONFLICT (id) DO UPDATE SET"
    "   online = CASE WHEN o.fetched_at < excluded.fetched_at"
    "            THEN excluded.online ELSE o.online END,"
    "   last_seen = greatest(o.last_seen, excluded.last_seen),"
    "   fetched_at = greatest(o.fetched_at, excluded.fetched_at)"
    "  WHERE o.last_seen < excluded.last_seen OR o.fetched_at < excluded.fetched_at),"
    " revived AS ("
    "  DELETE FROM postoffice_removed AS r USING fresh"
    "  WHERE r.id = fresh.id AND r.fetched_at < fresh.fetched_at"
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
    "  WHERE o.id = given.id AND o.fetched_at <= given.fetched_at),"
    " kept AS ("
    "  UPDATE objects AS o SET last_seen = given.last_seen FROM given"
    "  WHERE o.id = given.id AND o.fetched_at > given.fetched_at"
    "  AND o.last_seen < given.last_seen)"
    " INSERT INTO postoffice_removed AS r (id, fetched_at)"
    " SELECT given.id, given.fetched_at FROM given"
    " WHERE NOT EXISTS (SELECT FROM objects AS o"
    "                   WHERE o.id = given.id AND o.fetched_at > given.fetched_at)"
    " ON CONFLICT (id) DO UPDATE SET fetched_at = excluded.fetched_at"
    " WHERE r.fetched_at < excluded.fetched_at";

constexpr const char* add_dead_letters_sql =
    "INSERT INTO dead_letters (id, received_at, failed_at, attempts, reason)"
    " SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::int[],"
    " $5::text[])"
    " ON CONFLICT (id) DO UPDATE SET received_at = excluded.received_at,"
    " failed_at = excluded.failed_at, attempts = excluded.attempts, reason = excluded.reason";

constexpr const char* expire_ids_sql =
    "DELETE FROM objects AS o USING unnest($1::bigint[]) AS given(id)"
    " WHERE o.id = given.id AND o.last_seen < $2";

// A part of the table by place, so that each statement is short whatever the size of the table.
constexpr const char* expire_pages_sql =
    "DELETE FROM objects AS o USING ("
    "  SELECT id FROM objects WHERE ctid >= $2::tid AND ctid < $3::tid AND last_seen < $1"
    "  ORDER BY id) AS old"
    " WHERE o.id = old.id AND o.last_seen < $1";

constexpr StatementText texts[] = {
    {"postoffice_lock_shared", "SELECT pg_advisory_xact_lock_shared" SCHEMA_LOCK},
    {"postoffice_lock_alone", "SELECT pg_advisory_xact_lock" SCHEMA_LOCK},
    {"postoffice_touch", touch_sql},
    {"postoffice_missing", missing_sql},
    {"postoffice_update", update_sql},
    {"postoffice_create", create_sql},
    {"postoffice_remove", remove_sql},
    {"postoffice_clear_dead_letters",
     "DELETE FROM dead_letters AS d USING unnest($1::bigint[]) AS given(id) WHERE d.id = given.id"},
    {"postoffice_add_dead_letters", add_dead_letters_sql},
    {"postoffice_remember_cutoff",
     "UPDATE postoffice_expiry SET cutoff = $1::timestamptz WHERE cutoff < $1::timestamptz"},
    {"postoffice_forget_removals",
     "DELETE FROM postoffice_removed WHERE fetched_at < $1::timestamptz - interval '10 minutes'"},
    {"postoffice_table_pages",
     "SELECT pg_relation_size('objects') / current_setting('block_size')::bigint"},
    {"postoffice_expire_ids", expire_ids_sql},
    {"postoffice_expire_pages", expire_pages_sql},
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
  constexpr auto first_read = static_cast<std::size_t>(Statement::find_one);
  const std::span<const StatementText> all(texts);
  return purpose == Purpose::writing ? all.first(first_read) : all.subspan(first_read);
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
         // One plan each, made once: rows are found by their ids, in the order of the arrays.
         "SET plan_cache_mode = force_generic_plan;"
         "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off;"
         "SET enable_bitmapscan = off; SET jit = off;";
}

}  // namespace postoffice::postgres
