// The table of objects, read past the daemon.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#include "support/postgres.hpp"

namespace postoffice::testing {

struct Row {
  bool online = false;
  std::int64_t last_seen = 0;  // microseconds since the epoch
};
using Rows = std::map<std::int64_t, Row>;

inline Rows postgres_rows(const std::string& conninfo) {
  std::istringstream lines(
      run_sql(conninfo,
              "SELECT string_agg(concat_ws(' ', id, online::int, (extract(epoch FROM last_seen) * "
              "1000000)::bigint), E'\\n') FROM objects"));
  Rows rows;
  std::int64_t id = 0;
  for (Row row; lines >> id >> row.online >> row.last_seen;) rows[id] = row;
  return rows;
}

inline Rows sqlite_rows(const std::string& path) {
  sqlite3* database = nullptr;
  sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY, nullptr);
  sqlite3_busy_timeout(database, 5000);
  Rows rows;
  sqlite3_stmt* query = nullptr;
  const char* const text = "SELECT id, online, last_seen FROM objects";
  int result = sqlite3_prepare_v2(database, text, -1, &query, nullptr);
  while (result == SQLITE_OK || result == SQLITE_ROW) {
    result = sqlite3_step(query);
    if (result == SQLITE_ROW) {
      rows[sqlite3_column_int64(query, 0)] = {sqlite3_column_int(query, 1) != 0,
                                              sqlite3_column_int64(query, 2)};
    }
  }
  sqlite3_finalize(query);
  sqlite3_close(database);
  if (result != SQLITE_DONE) throw std::runtime_error(path + ": cannot be read");
  return rows;
}

}  // namespace postoffice::testing
