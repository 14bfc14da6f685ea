#include "sqlite/schema.hpp"

#include <limits>
#include <string>

#include "postoffice/error.hpp"
#include "sql.hpp"

namespace postoffice::sqlite {
namespace {

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
    if (found < 1) database.run(sql::version_1);
    database.run(sql::version_2);
  };
  if (found < 2) {
    try {
      upgrade();
    } catch (const SqlError& error) {
      // Another program's table may have that name.
      if (sqlite3_errcode(database.handle()) != SQLITE_ERROR) throw;
      throw SqlError(Error::schema, error.what(), true);
    }
  }
  transaction.commit();
}

}  // namespace postoffice::sqlite
