// How values are stored in the tables.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "postoffice/object_store.hpp"
#include "sqlite/database.hpp"

namespace postoffice::sqlite {

inline std::int64_t stored(Timestamp time) { return time.time_since_epoch().count(); }

inline Timestamp loaded(std::int64_t microseconds) { return Timestamp(Duration(microseconds)); }

inline std::int64_t stored(std::size_t limit) {
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(limit, most));
}

/// A row that a constraint or a trigger does not let change.
inline Refusal refusal(ObjectId id, const SqlError& error) {
  return {.id = id, .code = error.name(), .reason = error.what()};
}

}  // namespace postoffice::sqlite
