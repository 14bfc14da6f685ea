#include "postgres/apply_request.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <utility>

#include "postgres/apply_each.hpp"
#include "postgres/array_writer.hpp"
#include "postgres/parameters.hpp"
#include "postgres/text.hpp"

namespace postoffice::postgres {
namespace {

/// Four arrays side by side, one element of each a row.
class RowArrays {
 public:
  explicit RowArrays(std::size_t count)
      : ids_(TypeId::int8, count),
        online_(TypeId::boolean, count),
        last_seen_(TypeId::timestamptz, count),
        fetched_at_(TypeId::timestamptz, count) {}

  void add(const Touch& touch) {
    add_receipt(touch.id, touch.last_seen);
    online_.add_boolean(false);
    fetched_at_.add_int8(minus_infinity);
  }

  void add(const Object& answer) {
    add_receipt(answer.id, answer.last_seen);
    online_.add_boolean(answer.online);
    fetched_at_.add_timestamp(answer.fetched_at);
  }

  std::vector<std::optional<std::string>> take() {
    return {ids_.take(), online_.take(), last_seen_.take(), fetched_at_.take()};
  }

 private:
  void add_receipt(ObjectId id, Timestamp last_seen) {
    ids_.add_int8(id);
    last_seen_.add_timestamp(last_seen);
  }

  ArrayWriter ids_;
  ArrayWriter online_;
  ArrayWriter last_seen_;
  ArrayWriter fetched_at_;
};

bool by_id(const auto& left, const auto& right) { return left.id < right.id; }

std::string id_array(const std::vector<ObjectId>& ids) {
  ArrayWriter writer(TypeId::int8, ids.size());
  for (const ObjectId id : ids) writer.add_int8(id);
  return writer.take();
}

// One list, by rising id, so that all writers lock rows in the same order.
void add_rows(std::vector<Query>& queries, const Changes& changes) {
  RowArrays rows(changes.touches.size() + changes.answers.size());
  auto touch = changes.touches.begin();
  for (const Object& answer : changes.answers) {
    for (; touch != changes.touches.end() && touch->id < answer.id; ++touch) rows.add(*touch);
    rows.add(answer);
  }
  for (; touch != changes.touches.end(); ++touch) rows.add(*touch);
  auto parameters = rows.take();
  queries.push_back({Statement::update, parameters});
  parameters.push_back(timestamp(changes.cutoff));
  queries.push_back({Statement::create, std::move(parameters)});
}

void add_touches(std::vector<Query>& queries, const Changes& changes) {
  ArrayWriter ids(TypeId::int8, changes.touches.size());
  ArrayWriter last_seen(TypeId::timestamptz, changes.touches.size());
  for (const Touch& touch : changes.touches) {
    ids.add_int8(touch.id);
    last_seen.add_timestamp(touch.last_seen);
  }
  std::string bytes = ids.take();
  queries.push_back({Statement::touch, {bytes, last_seen.take()}});
  queries.push_back({Statement::missing, {std::move(bytes)}});
}

void add_removals(std::vector<Query>& queries, const Changes& changes) {
  ArrayWriter ids(TypeId::int8, changes.removals.size());
  ArrayWriter last_seen(TypeId::timestamptz, changes.removals.size());
  ArrayWriter fetched_at(TypeId::timestamptz, changes.removals.size());
  for (const Object& removal : changes.removals) {
    ids.add_int8(removal.id);
    last_seen.add_timestamp(removal.last_seen);
    fetched_at.add_timestamp(removal.fetched_at);
  }
  queries.push_back({Statement::remove, {ids.take(), last_seen.take(), fetched_at.take()}});
}

void add_dead_letters(std::vector<Query>& queries, const Changes& changes, bool unicode) {
  const std::size_t count = changes.dead_letters.size();
  ArrayWriter ids(TypeId::int8, count);
  ArrayWriter received_at(TypeId::timestamptz, count);
  ArrayWriter failed_at(TypeId::timestamptz, count);
  ArrayWriter attempts(TypeId::int4, count);
  ArrayWriter reasons(TypeId::text, count);
  for (const DeadLetter& letter : changes.dead_letters) {
    ids.add_int8(letter.id);
    received_at.add_timestamp(letter.received_at);
    failed_at.add_timestamp(letter.failed_at);
    attempts.add_int4(letter.attempts);
    reasons.add_text(storable_text(letter.reason, unicode));
  }
  queries.push_back(
      {Statement::add_dead_letters,
       {ids.take(), received_at.take(), failed_at.take(), attempts.take(), reasons.take()}});
}

void add_held(std::vector<Query>& queries, const Changes& changes) {
  ArrayWriter ids(TypeId::int8, changes.held.size());
  ArrayWriter last_seen(TypeId::timestamptz, changes.held.size());
  for (const Touch& touch : changes.held) {
    ids.add_int8(touch.id);
    last_seen.add_timestamp(touch.last_seen);
  }
  queries.push_back({Statement::hold, {ids.take(), last_seen.take()}});
}

std::size_t rows_of(const Result& result) {
  return static_cast<std::size_t>(PQntuples(result.get()));
}

ObjectId id_at(const Result& result, std::size_t row) {
  return static_cast<ObjectId>(read_int64(PQgetvalue(result.get(), static_cast<int>(row), 0)));
}

void read_created(const Result& result, Applied& applied) {
  for (std::size_t row = 0; row < rows_of(result); ++row) {
    const bool is_answer = *PQgetvalue(result.get(), static_cast<int>(row), 1) != 0;
    (is_answer ? applied.late : applied.missing).push_back(id_at(result, row));
  }
}

}  // namespace

std::vector<Query> apply_queries(const Changes& changes, bool unicode) {
  assert(std::is_sorted(changes.touches.begin(), changes.touches.end(), by_id<Touch, Touch>));
  assert(std::is_sorted(changes.answers.begin(), changes.answers.end(), by_id<Object, Object>));
  std::vector<Query> queries;
  queries.push_back({changes.removals.empty() ? Statement::lock_shared : Statement::lock_alone});
  if (!changes.held.empty()) add_held(queries, changes);
  if (changes.each) {
    queries.push_back(each_query(changes, unicode));
    return queries;
  }
  if (!changes.answers.empty()) {
    add_rows(queries, changes);
  } else if (!changes.touches.empty()) {
    add_touches(queries, changes);
  }
  if (!changes.removals.empty()) add_removals(queries, changes);
  if (!changes.cleared.empty()) {
    queries.push_back({Statement::clear_dead_letters, {id_array(changes.cleared)}});
  }
  if (!changes.dead_letters.empty()) add_dead_letters(queries, changes, unicode);
  return queries;
}

Applied read_applied(const std::vector<Statement>& statements, const std::vector<Result>& results) {
  assert(results.size() >= statements.size());
  Applied applied;
  for (std::size_t index = 0; index < statements.size(); ++index) {
    const Result& result = results[index];
    if (statements[index] == Statement::create) read_created(result, applied);
    if (statements[index] == Statement::apply_each) read_each(*result, applied);
    if (statements[index] != Statement::missing) continue;
    for (std::size_t row = 0; row < rows_of(result); ++row) {
      applied.missing.push_back(id_at(result, row));
    }
  }
  std::sort(applied.missing.begin(), applied.missing.end());
  std::sort(applied.late.begin(), applied.late.end());
  return applied;
}

}  // namespace postoffice::postgres
