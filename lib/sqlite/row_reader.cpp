#include "sqlite/row_reader.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "sql.hpp"
#include "sqlite/values.hpp"

namespace postoffice::sqlite {
namespace {

// The smallest id greater than `after`, if there is one.
std::optional<ObjectId> first_after(std::optional<ObjectId> after) {
  if (!after) return std::numeric_limits<ObjectId>::min();
  if (*after == std::numeric_limits<ObjectId>::max()) return std::nullopt;
  return *after + 1;
}

}  // namespace

RowReader::RowReader(Database& database)
    : find_(database, sql::find),
      find_dead_letters_(database, sql::find_dead_letters),
      count_objects_(database, sql::count_objects),
      count_dead_letters_(database, sql::count_dead_letters) {}

std::vector<Object> RowReader::find(const ObjectQuery& query) {
  std::vector<Object> found;
  const auto first = first_after(query.after);
  if (!first) return found;
  const ObjectId last = query.id.value_or(std::numeric_limits<ObjectId>::max());
  find_.bind(1, query.id ? std::max(*first, *query.id) : *first)
      .bind(2, last)
      .bind(3, query.online ? std::int64_t{*query.online} : -1)
      .bind(4, stored(query.limit));
  while (find_.next()) {
    found.push_back({.id = find_.integer(0),
                     .online = find_.integer(1) != 0,
                     .last_seen = loaded(find_.integer(2)),
                     .fetched_at = loaded(find_.integer(3))});
  }
  return found;
}

std::vector<DeadLetter> RowReader::find_dead_letters(const DeadLetterQuery& query) {
  std::vector<DeadLetter> found;
  const auto first = first_after(query.after);
  if (!first) return found;
  if (!query.ids) {
    find_dead_letters(*first, std::numeric_limits<ObjectId>::max(), query, found);
    return found;
  }
  const std::set<ObjectId> ids(query.ids->begin(), query.ids->end());
  for (auto id = ids.lower_bound(*first); id != ids.end(); ++id) {
    if (found.size() >= query.limit) break;
    find_dead_letters(*id, *id, query, found);
  }
  return found;
}

void RowReader::find_dead_letters(ObjectId first, ObjectId last, const DeadLetterQuery& query,
                                  std::vector<DeadLetter>& found) {
  find_dead_letters_.bind(1, first)
      .bind(2, last)
      .bind(3, stored(query.failed_since))
      .bind(4, query.reason)
      .bind(5, stored(query.limit - found.size()));
  while (find_dead_letters_.next()) {
    found.push_back({.id = find_dead_letters_.integer(0),
                     .received_at = loaded(find_dead_letters_.integer(1)),
                     .failed_at = loaded(find_dead_letters_.integer(2)),
                     .attempts = static_cast<int>(find_dead_letters_.integer(3)),
                     .reason = find_dead_letters_.text(4)});
  }
}

RowCount RowReader::count(const CountQuery& query) {
  RowCount count;
  const auto first = first_after(query.after);
  if (!first) return count;
  Statement& statement = query.dead_letters ? count_dead_letters_ : count_objects_;
  statement.bind(1, *first).bind(2, stored(query.limit));
  while (statement.next()) {
    const auto rows = static_cast<std::uint64_t>(statement.integer(0));
    count.online = static_cast<std::uint64_t>(statement.integer(1));
    (query.dead_letters ? count.dead_letters : count.offline) = rows - count.online;
    if (rows == query.limit) count.last = statement.integer(2);
  }
  return count;
}

}  // namespace postoffice::sqlite
