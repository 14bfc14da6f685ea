// The table of objects in a file of SQLite, read past the daemon; empty while it is not there.
#pragma once

#include <sqlite3.h>

#include <stdexcept>
#include <string>

#include "support/rows.hpp"

namespace postoffice::testing {

inline Rows sqlite_rows(const std::string& path) {
  sqlite3* database = nullptr;
  sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY, nullptr);
  sqlite3_busy_timeout(database, 5000);
  Rows rows;
  sqlite3_stmt* query = nullptr;
  const char* const text = "SELECT id, online, last_seen FROM objects";
  int result = sqlite3_prepare_v2(database, text, -1, &query, nullptr);
  const bool missing = result == SQLITE_ERROR || result == SQLITE_CANTOPEN;  // not made yet
  while (result == SQLITE_OK || result == SQLITE_ROW) {
    result = sqlite3_step(query);
    if (result == SQLITE_ROW) {
      rows[sqlite3_column_int64(query, 0)] = {sqlite3_column_int(query, 1) != 0,
                                              sqlite3_column_int64(query, 2)};
    }
  }
  sqlite3_finalize(query);
  sqlite3_close(database);
  if (missing) return {};
  if (result != SQLITE_DONE) throw std::runtime_error(path + ": cannot be read");
  return rows;
}

}  // namespace postoffice::testing
