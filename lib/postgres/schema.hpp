// The tables, and the scripts that create, upgrade or check them.
#pragma once

namespace postoffice::postgres {

/// The schema that this version reads and writes ("known" in the scripts).
inline constexpr int schema_version = 3;

/// SQLSTATEs of our own, raised by what is in sql/schema.
inline constexpr const char* newer_schema_state = "PO001";
inline constexpr const char* older_schema_state = "PO002";
inline constexpr const char* fenced_state = "PO003";

/// sql/schema/migrate.sql: one script, for the simple query protocol, so that it is one
/// transaction.
extern const char* const migrate_sql;

/// sql/schema/check.sql: only checks that the schema is there and of this version.
extern const char* const check_sql;

/// sql/facts.sql: one row for PostgresFacts.
extern const char* const facts_sql;

}  // namespace postoffice::postgres
