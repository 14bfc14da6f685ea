#include "postgres/apply_request.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <set>
#include <utility>

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

// The rows of postoffice_apply_each(), which says what each `what` means.
class EachArrays {
 public:
  enum What { row = 1, removal = 2, clear = 4, dead_letter = 8 };

  explicit EachArrays(std::size_t count)
      : ids_(TypeId::int8, count),
        what_(TypeId::int4, count),
        online_(TypeId::boolean, count),
        last_seen_(TypeId::timestamptz, count),
        fetched_at_(TypeId::timestamptz, count),
        received_at_(TypeId::timestamptz, count),
        failed_at_(TypeId::timestamptz, count),
        attempts_(TypeId::int4, count),
        reasons_(TypeId::text, count) {}

  void add(const Touch& touch) {
    add_row(touch.id, row, false, touch.last_seen);
    fetched_at_.add_int8(minus_infinity);
    add_letter({});
  }

  void add(const Object& object, int what) {
    add_row(object.id, what, object.online, object.last_seen);
    fetched_at_.add_timestamp(object.fetched_at);
    add_letter({});
  }

  void add_clear(ObjectId id) { add(Object{.id = id}, clear); }

  void add(const DeadLetter& letter, const std::string& reason) {
    add_row(letter.id, dead_letter, false, {});
    fetched_at_.add_timestamp({});
    add_letter({letter.id, letter.received_at, letter.failed_at, letter.attempts, reason});
  }

  std::vector<std::optional<std::string>> take() {
    return {ids_.take(),       what_.take(),       online_.take(),
            last_seen_.take(), fetched_at_.take(), received_at_.take(),
            failed_at_.take(), attempts_.take(),   reasons_.take()};
  }

 private:
  void add_row(ObjectId id, int what, bool online, Timestamp last_seen) {
    ids_.add_int8(id);
    what_.add_int4(what);
    online_.add_boolean(online);
    last_seen_.add_timestamp(last_seen);
  }

  void add_letter(const DeadLetter& letter) {
    received_at_.add_timestamp(letter.received_at);
    failed_at_.add_timestamp(letter.failed_at);
    attempts_.add_int4(letter.attempts);
    reasons_.add_text(letter.reason);
  }

  ArrayWriter ids_, what_, online_, last_seen_, fetched_at_, received_at_, failed_at_, attempts_,
      reasons_;
};

// With an answer or a removal goes the dead letter that it clears: both or neither.
void add_each(std::vector<Query>& queries, const Changes& changes, bool unicode) {
  std::set<ObjectId> cleared(changes.cleared.begin(), changes.cleared.end());
  const auto what = [&](ObjectId id, int kind) {
    return cleared.erase(id) > 0 ? kind | EachArrays::clear : kind;
  };
  std::vector<std::pair<Object, int>> objects;
  for (const Object& answer : changes.answers) {
    objects.emplace_back(answer, what(answer.id, EachArrays::row));
  }
  for (const Object& removal : changes.removals) {
    objects.emplace_back(removal, what(removal.id, EachArrays::removal));
  }
  EachArrays rows(changes.touches.size() + objects.size() + cleared.size() +
                  changes.dead_letters.size());
  for (const Touch& touch : changes.touches) rows.add(touch);
  for (const auto& [object, kind] : objects) rows.add(object, kind);
  for (const ObjectId id : cleared) rows.add_clear(id);
  for (const DeadLetter& letter : changes.dead_letters) {
    rows.add(letter, storable_text(letter.reason, unicode));
  }
  auto parameters = rows.take();
  parameters.push_back(timestamp(changes.cutoff));
  queries.push_back({Statement::apply_each, std::move(parameters)});
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

void read_each(const Result& result, Applied& applied) {
  enum Found { missing = 1, late = 2 };
  for (std::size_t row = 0; row < rows_of(result); ++row) {
    const auto at = static_cast<int>(row);
    const auto found = read_int32(PQgetvalue(result.get(), at, 1));
    if (found == missing) {
      applied.missing.push_back(id_at(result, row));
    } else if (found == late) {
      applied.late.push_back(id_at(result, row));
    } else {
      applied.refused.push_back({.id = id_at(result, row),
                                 .code = text_at(*result, at, 2),
                                 .reason = text_at(*result, at, 3),
                                 .locked = boolean_at(*result, at, 4)});
    }
  }
  std::sort(applied.refused.begin(), applied.refused.end(), by_id<Refusal, Refusal>);
  const auto end = std::unique(applied.refused.begin(), applied.refused.end(),
                               [](const Refusal& a, const Refusal& b) { return a.id == b.id; });
  applied.refused.erase(end, applied.refused.end());
}

}  // namespace

std::vector<Query> apply_queries(const Changes& changes, bool unicode) {
  assert(std::is_sorted(changes.touches.begin(), changes.touches.end(), by_id<Touch, Touch>));
  assert(std::is_sorted(changes.answers.begin(), changes.answers.end(), by_id<Object, Object>));
  std::vector<Query> queries;
  queries.push_back({changes.removals.empty() ? Statement::lock_shared : Statement::lock_alone});
  if (!changes.held.empty()) add_held(queries, changes);
  if (changes.each) {
    add_each(queries, changes, unicode);
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

Applied read_applied(const std::vector<Query>& queries, const std::vector<Result>& results) {
  Applied applied;
  for (std::size_t index = 0; index < queries.size() && index < results.size(); ++index) {
    const Result& result = results[index];
    if (queries[index].statement == Statement::create) read_created(result, applied);
    if (queries[index].statement == Statement::apply_each) read_each(result, applied);
    if (queries[index].statement != Statement::missing) continue;
    for (std::size_t row = 0; row < rows_of(result); ++row) {
      applied.missing.push_back(id_at(result, row));
    }
  }
  std::sort(applied.missing.begin(), applied.missing.end());
  std::sort(applied.late.begin(), applied.late.end());
  return applied;
}

}  // namespace postoffice::postgres
