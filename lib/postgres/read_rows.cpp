#include "postgres/read_rows.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "postgres/array_writer.hpp"
#include "postgres/parameters.hpp"
#include "postgres/text.hpp"

namespace postoffice::postgres {
namespace {

std::string limit_parameter(std::size_t limit) {
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  return int8(static_cast<std::int64_t>(std::min(limit, most)));
}

// The smallest id greater than `after`, if there is one.
std::optional<ObjectId> first_after(std::optional<ObjectId> after) {
  if (!after) return std::numeric_limits<ObjectId>::min();
  if (*after == std::numeric_limits<ObjectId>::max()) return std::nullopt;
  return *after + 1;
}

}  // namespace

std::optional<Query> find_query(const ObjectQuery& query) {
  const auto first = first_after(query.after);
  if (!first || query.limit == 0 || (query.id && *query.id < *first)) return std::nullopt;
  std::optional<std::string> online;
  if (query.online) online = boolean(*query.online);
  if (query.id) return Query{Statement::find_one, {int8(*query.id), online}};
  return Query{Statement::find_page, {int8(*first), online, limit_parameter(query.limit)}};
}

std::optional<Query> find_dead_letters_query(const DeadLetterQuery& query) {
  const auto first = first_after(query.after);
  const bool none = query.ids && query.ids->empty();
  if (!first || query.limit == 0 || none) return std::nullopt;
  Query result{Statement::find_dead_letters,
               {int8(*first), limit_parameter(query.limit), timestamp(query.failed_since),
                storable_text(query.reason, true)}};
  if (!query.ids) return result;
  ArrayWriter ids(TypeId::int8, query.ids->size());
  for (const ObjectId id : *query.ids) ids.add_int8(id);
  result.statement = Statement::find_dead_letters_among;
  result.parameters.emplace_back(ids.take());
  return result;
}

std::optional<Query> count_query(const CountQuery& query) {
  const auto first = first_after(query.after);
  if (!first || query.limit == 0) return std::nullopt;
  return Query{query.dead_letters ? Statement::count_dead_letters : Statement::count_objects,
               {int8(*first), limit_parameter(query.limit)}};
}

RowCount read_count(const PGresult& result, const CountQuery& query) {
  RowCount count;
  const auto rows = static_cast<std::uint64_t>(int8_at(result, 0, 0));
  count.online = static_cast<std::uint64_t>(int8_at(result, 0, 1));
  (query.dead_letters ? count.dead_letters : count.offline) = rows - count.online;
  if (rows == query.limit) count.last = int8_at(result, 0, 2);
  return count;
}

void read_rows(const PGresult& result, std::vector<Object>& rows) {
  for (int row = 0; row < PQntuples(&result); ++row) {
    rows.push_back({.id = int8_at(result, row, 0),
                    .online = boolean_at(result, row, 1),
                    .last_seen = time_at(result, row, 2),
                    .fetched_at = time_at(result, row, 3)});
  }
}

void read_rows(const PGresult& result, std::vector<DeadLetter>& rows) {
  for (int row = 0; row < PQntuples(&result); ++row) {
    rows.push_back({.id = int8_at(result, row, 0),
                    .received_at = time_at(result, row, 1),
                    .failed_at = time_at(result, row, 2),
                    .attempts = static_cast<int>(read_int32(PQgetvalue(&result, row, 3))),
                    .reason = text_at(result, row, 4)});
  }
}

}  // namespace postoffice::postgres
