// The table of objects, read past the daemon.
#pragma once

#include <cstdint>
#include <map>
#include <sstream>
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

}  // namespace postoffice::testing
