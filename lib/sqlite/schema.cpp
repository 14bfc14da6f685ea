#include "sqlite/schema.hpp"

#include <limits>
#include <string>

#include "postoffice/error.hpp"

namespace postoffice::sqlite {
namespace {

// No index on last_seen: every touch would move an entry of it, and only the scan, once per ttl,
// would gain.
constexpr const char* version_1 = R"(
  CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    online INTEGER NOT NULL CHECK (online IN (0, 1)),
    last_seen INTEGER NOT NULL,
    fetched_at INTEGER NOT NULL
  );
  CREATE VIEW online_objects AS SELECT id, last_seen, fetched_at FROM objects WHERE online;
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    reason TEXT NOT NULL
  );
  CREATE TABLE postoffice_expiry (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    cutoff INTEGER NOT NULL
  );
  INSERT INTO postoffice_expiry (only_row, cutoff) VALUES (1, -9223372036854775807 - 1);
  CREATE TABLE postoffice_removed (id INTEGER PRIMARY KEY, fetched_at INTEGER NOT NULL);
  CREATE TABLE postoffice_schema (version INTEGER PRIMARY KEY);
  INSERT INTO postoffice_schema (version) VALUES (1);
)";

// Receipts that could not be written to their rows, which are not deleted before them.
constexpr const char* version_2 = R"(
  CREATE TABLE postoffice_held (id INTEGER PRIMARY KEY, last_seen INTEGER NOT NULL);
  UPDATE postoffice_schema SET version = 2;
)";

int found_version(Database& database) {
  Statement has_table(database, "SELECT 1 FROM sqlite_schema WHERE name = 'postoffice_schema'");
  const bool found = has_table.next();
  has_table.reset();
  if (!found) return 0;
  Statement version(database, "SELECT max(version) FROM postoffice_schema");
  version.next();
  const auto number = static_cast<int>(version.integer(0));
  version.reset();
  return number;
}

void refuse_newer(int found) {
  if (found <= schema_version) return;
  throw SqlError(Error::schema,
                 "the file has schema version " + std::to_string(found) + ", newer than " +
                     std::to_string(schema_version) + " which this program knows",
                 true);
}

}  // namespace

void prepare_file(Database& database) {
  // A file of a newer version stays as it is.
  refuse_newer(found_version(database));
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = FULL");
  database.run("PRAGMA journal_size_limit = 67108864");
  if (found_version(database) == schema_version) return;
  Transaction transaction(database);
  const int found = found_version(database);
  refuse_newer(found);
  const auto upgrade = [&] {
    if (found < 1) database.run(version_1);
    database.run(version_2);
  };
  if (found < 2) {
    try {
      upgrade();
    } catch (const SqlError& error) {
      // A table of that name that is not ours.
      if (sqlite3_errcode(database.handle()) != SQLITE_ERROR) throw;
      throw SqlError(Error::schema, error.what(), true);
    }
  }
  transaction.commit();
}

}  // namespace postoffice::sqlite
